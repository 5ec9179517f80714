"""Pytrees over optree, in a namespace of our own.

A dataclass is registered when it is first seen, and rebuilt without its constructor, so
that traced values and `None` may stand where the constructor would check types.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np
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


def ravel(tree: Any) -> tuple[Any, Callable[[Any], Any]]:
    """All numbers of a pytree in one vector, and the function that puts them back.

    Args:
        tree: A pytree of floats and arrays of any shapes. What has no derivative
            (an int, bool or string, None, a function) stays out of the vector.

    Returns:
        ``(vector, unravel)``: a new vector of the dtype that the leaves promote to, and
        a function of a vector as long that returns a pytree of the structure, shapes
        and dtypes of `tree`.

    Example:
        >>> import numpy as np, wengert as wg
        >>> vector, unravel = wg.tree.ravel({"w": np.ones((2, 2)), "b": 3.0})
        >>> vector
        array([3., 1., 1., 1., 1.])
        >>> unravel(2.0 * vector)["b"]
        np.float64(6.0)
    """
    leaves, structure = flatten(tree)
    places = [i for i, leaf in enumerate(leaves) if _has_numbers(leaf)]
    arrays = [leaves[i] for i in places]
    shapes = [np.shape(x) for x in arrays]
    dtypes = [getattr(x, "dtype", None) or np.dtype(type(x)) for x in arrays]
    scalars = [_is_scalar(x) for x in arrays]
    dtype = np.result_type(*dtypes) if arrays else np.dtype(float)

    def unravel(vector: Any) -> Any:
        filled, begin = list(leaves), 0
        for i, shape, own, scalar in zip(places, shapes, dtypes, scalars, strict=True):
            end = begin + math.prod(shape)
            part = vector[begin] if scalar else vector[begin:end].reshape(shape)
            filled[i] = part if part.dtype == own else part.astype(own)
            begin = end
        return unflatten(structure, filled)

    parts = [np.reshape(x, (-1,)).astype(dtype) for x in arrays]
    return np.concatenate(parts or [np.zeros(0, dtype)]), unravel


def _has_numbers(leaf: Any) -> bool:
    dtype = getattr(leaf, "dtype", None)
    return isinstance(leaf, (float, complex)) or isinstance(dtype, np.dtype)


def _is_scalar(leaf: Any) -> bool:
    """A traced scalar is not indexed, and a 0-d array is."""
    kinds = (float, complex, np.generic)
    return isinstance(leaf, kinds) or not hasattr(leaf, "__getitem__")


def paths(tree: Any, root: str) -> list[str]:
    """For each leaf, the Python expression that reaches it from `root`."""
    accessors = optree.tree_accessors(_plain(tree), namespace=NAMESPACE)
    return [accessor.codify(root) for accessor in accessors]


def names(tree: Any) -> list[str]:
    """For each leaf the keys, fields and indices that lead to it, joined by dots.

    Example:
        >>> import wengert as wg
        >>> wg.tree.names({"layers": [{"w": 1.0}, {"w": 2.0}]})
        ['layers.0.w', 'layers.1.w']
    """
    accessors = optree.tree_accessors(_plain(tree), namespace=NAMESPACE)
    steps = [[getattr(s, "field", s.entry) for s in accessor] for accessor in accessors]
    return [".".join(map(str, path)) for path in steps]


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
