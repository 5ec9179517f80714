"""How many random programs it takes to find a planted bug."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from tests.fuzz.checks import check
from tests.fuzz.plants import NATIVE_PLANTS, Plant
from tests.fuzz.writer import Written, write
from wengert._core.op import OPS


@contextlib.contextmanager
def planted(plant: Plant) -> Iterator[None]:
    """With the bug; plans of ops, which hold their rules, are made anew."""
    patches = plant()
    old = [(owner, name, _get(owner, name)) for owner, name, _ in patches]
    _forget_plans()
    try:
        for owner, name, value in patches:
            _set(owner, name, value)
        yield
    finally:
        for owner, name, value in old:
            _set(owner, name, value)
        _forget_plans()


def _get(owner: Any, name: str) -> Any:
    return owner[name] if isinstance(owner, dict) else getattr(owner, name)


def _set(owner: Any, name: str, value: Any) -> None:
    if isinstance(owner, dict):
        owner[name] = value
    else:
        setattr(owner, name, value)


def _forget_plans() -> None:
    for op in OPS:
        op.plans.clear()


def finds(written: Written, seed: int, plant: Plant) -> bool:
    """Whether a program gives wrong numbers with the bug, and right ones without."""
    way = "native" if plant in NATIVE_PLANTS else "interpreted"
    with planted(plant):
        outcome = check(written.text, written.length, seed, way=way)
    if not outcome.detail.startswith("Mismatch"):
        return False
    return not check(written.text, written.length, seed, way=way).failure


def programs_until_found(
    plants: dict[str, Plant],
    seeds: Iterable[int],
    note: Callable[[str, int], None] = lambda name, n: None,
) -> dict[str, int]:
    """For each bug the number of programs after which one gives wrong numbers."""
    found: dict[str, int] = {}
    for n, seed in enumerate(seeds, start=1):
        written = write(seed)
        for name, plant in plants.items():
            if name not in found and finds(written, seed, plant):
                found[name] = n
                note(name, n)
        if len(found) == len(plants):
            break
    return found
