"""Pytrees over optree, in a namespace of our own.

A dataclass is registered when it is first seen, and rebuilt without its constructor, so
that traced values and `None` may stand where the constructor would check types.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import optree

NAMESPACE = "wengert"


def _register(cls: type) -> None:
    names = [field.name for field in dataclasses.fields(cls)]

    def flatten(instance: Any) -> tuple[list[Any], None, list[str]]:
        return [getattr(instance, name) for name in names], None, names

    def unflatten(_: Any, children: Any) -> Any:
        instance: Any = object.__new__(cls)
        for name, child in zip(names, children, strict=True):
            object.__setattr__(instance, name, child)
        return instance

    optree.register_pytree_node(cls, flatten, unflatten, namespace=NAMESPACE)


class Listed(list[Any]):
    """A list that may have grown: in a pytree it is what `as_tree` says."""

    grown = False  # whether its entries are rows of arrays

    def as_tree(self) -> Any:
        """A list of Python's, or arrays with a row for each entry."""
        raise NotImplementedError

    def entries(self) -> Any:
        """How many entries there are."""
        raise NotImplementedError


def flatten(
    tree: Any,
    keep_grown: bool = False,
    is_leaf: Callable[[Any], bool] | None = None,
) -> tuple[list[Any], Any]:
    """Leaves of a pytree, and what `unflatten` needs to put them back.

    keep_grown: a list that has grown is a leaf.
    """
    while True:
        leaves, structure = optree.tree_flatten(tree, is_leaf, namespace=NAMESPACE)
        types = {type(leaf) for leaf in leaves}
        unseen = [cls for cls in types if hasattr(cls, "__dataclass_fields__")]
        for cls in unseen:
            _register(cls)
        listed = []
        if any(issubclass(cls, Listed) for cls in types):
            listed = [x for x in leaves if isinstance(x, Listed)]
        if keep_grown:
            listed = [x for x in listed if not x.grown]
        if listed:
            tree = optree.tree_map(
                lambda x: x.as_tree() if any(x is y for y in listed) else x,
                tree,
                namespace=NAMESPACE,
            )
        elif not unseen:
            return leaves, structure


LEAF = flatten(0.0)[1]  # the structure of a leaf


def unflatten(structure: Any, leaves: Any) -> Any:
    return optree.tree_unflatten(structure, list(leaves))


def map(fun: Callable[..., Any], tree: Any, *rest: Any) -> Any:
    """Apply a function to the leaves of pytrees of one structure.

    Example:
        >>> import wengert as wg
        >>> wg.tree.map(lambda a, b: a + b, {"w": 1.0}, {"w": 2.0})
        {'w': 3.0}
    """
    leaves, structure = flatten(tree)
    others = [structure.flatten_up_to(_plain(other)) for other in rest]
    return unflatten(structure, [fun(*xs) for xs in zip(leaves, *others, strict=True)])


def _plain(tree: Any) -> Any:
    """A pytree without lists of our own."""
    found, structure = flatten(tree)
    return unflatten(structure, found)


def leaves(tree: Any) -> list[Any]:
    """The leaves of a pytree, in order.

    Example:
        >>> import wengert as wg
        >>> wg.tree.leaves({"w": 1.0, "b": (2.0, None)})
        [2.0, 1.0]
    """
    return flatten(tree)[0]


def paths(tree: Any, root: str) -> list[str]:
    """For each leaf, the Python expression that reaches it from `root`."""
    accessors = optree.tree_accessors(_plain(tree), namespace=NAMESPACE)
    return [accessor.codify(root) for accessor in accessors]


def broadcast_prefix(prefix: Any, tree: Any) -> list[Any]:
    """The entry of a prefix tree (None is an entry) for each leaf of a tree."""
    structure = flatten(tree)[1]
    result: list[Any] = []

    def add(entry: Any, subtree: Any) -> None:
        result.extend([entry] * len(flatten(subtree)[0]))

    flat, prefix_structure = optree.tree_flatten(
        prefix.as_tree() if isinstance(prefix, Listed) else prefix,
        none_is_leaf=True,
        namespace=NAMESPACE,
    )
    if prefix_structure.num_leaves == 1 and not isinstance(prefix, (tuple, list, dict)):
        return [prefix] * structure.num_leaves
    subtrees = prefix_structure.flatten_up_to(_plain(tree))
    for entry, subtree in zip(flat, subtrees, strict=True):
        add(entry, subtree)
    return result
