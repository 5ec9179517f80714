"""Batches of the rows of arrays, or of examples one after the other."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

import wengert as wg
from wengert._core.source import explain
from wengert.data._checks import check_count, check_finite, checked_rows
from wengert.data.examples import stacked
from wengert.errors import ArgumentError, DTypeError

Position = dict[str, Any]


class Batches(Iterator[Any]):
    """Batches, one after the other, and the place among them.

    Attributes:
        position: Where the next batch is, as a dictionary that JSON can hold. Given as
            ``start=`` to `batches` with the same data, it is followed by the same
            batches.
    """

    def __init__(self, source: _Source, epochs: int | None, start: Any) -> None:
        self._source = source
        self._epochs = epochs
        self._epoch, self._batch = source.checked_place(start)
        self._running = self._run()

    @property
    def position(self) -> Position:
        place = {"epoch": self._epoch, "batch": self._batch}
        return {**place, **self._source.identity}

    def __len__(self) -> int:
        """The number of batches in an epoch of arrays."""
        return self._source.length()

    def __iter__(self) -> Batches:
        return self

    def __next__(self) -> Any:
        return next(self._running)

    def _run(self) -> Iterator[Any]:
        while self._epochs is None or self._epoch < self._epochs:
            for batch in self._source.epoch(self._epoch, self._batch):
                self._batch += 1
                yield batch
            if self._batch == 0 and self._epochs is None:
                raise ArgumentError(
                    explain(
                        "batches: an epoch without a batch, and epochs=None",
                        fix="give as many examples as a batch has, or drop_last=False",
                    )
                )
            self._epoch, self._batch = self._epoch + 1, 0


def batches(
    data: Any,
    size: int,
    key: Any = None,
    *,
    epochs: int | None = 1,
    drop_last: bool = False,
    finite: bool = False,
    start: Position | None = None,
) -> Batches:
    """Batches of `size` rows.

    Args:
        data: A tree of arrays with one leading length, memory-mapped ones among them;
            or a function that returns examples one after the other, called for each
            epoch.
        size: How many rows, or examples, a batch has.
        key: Of `wengert.random`: rows are shuffled, in each epoch in another order.
        epochs: How many times all rows are gone through; None: without end.
        drop_last: Leave out the last batch of an epoch if it is smaller.
        finite: Refuse batches with a NaN or an infinity.
        start: The `position` of earlier batches of the same data, to go on there.

    Returns:
        An iterator over trees as `data`, of new arrays; its ``len`` is the number of
        batches in an epoch, its ``position`` the place.

    Raises:
        ShapeError: the leading lengths differ, or the shapes of examples.
        DTypeError: a leaf is no array.
        DataError: an entry is not finite (``finite=True``).
        ArgumentError: `size` or `epochs` is not positive, examples are to be shuffled,
            or `start` is a position of other batches.

    Example:
        >>> import json, numpy as np, wengert as wg
        >>> data = {"x": np.arange(5.0), "y": np.arange(5)}
        >>> stream = wg.data.batches(data, 2, wg.random.key(0), epochs=2)
        >>> next(stream)
        {'x': array([0., 4.]), 'y': array([0, 4])}
        >>> saved = json.dumps(stream.position)
        >>> again = wg.data.batches(
        ...     data, 2, wg.random.key(0), epochs=2, start=json.loads(saved)
        ... )
        >>> (next(again)["x"] == next(stream)["x"]).all()
        np.True_
    """
    check_count("batches", "size", size)
    if epochs is not None:
        check_count("batches", "epochs", epochs)
    source: _Source = (
        _Examples(data, size, key, drop_last, finite)
        if callable(data)
        else _Rows(data, size, key, drop_last, finite)
    )
    return Batches(source, epochs, start)


class _Source:
    """What batches are made of; `identity` is what a position belongs to."""

    identity: Position

    def epoch(self, number: int, begin: int) -> Iterator[Any]:
        """The batches of an epoch, from one of them on."""
        raise NotImplementedError

    def length(self) -> int:
        """The number of batches in an epoch."""
        raise NotImplementedError

    def checked_place(self, start: Any) -> tuple[int, int]:
        """The epoch and the batch of a position."""
        if start is None:
            return 0, 0
        place = {"epoch": 0, "batch": 0}
        if not isinstance(start, dict) or start.keys() != {*place, *self.identity}:
            raise ArgumentError(
                explain(
                    f"batches: start={start!r} is no position",
                    fix="give what `position` was, as it was",
                )
            )
        for name, own in self.identity.items():
            if start[name] != own:
                raise ArgumentError(
                    explain(
                        f"batches: start is a position where {name} is {start[name]}, "
                        f"and here it is {own}",
                        why="other batches would follow than those that it stands for.",
                        fix="give the same data, size and key, or begin anew",
                    )
                )
        for name in place:
            if type(start[name]) is not int or start[name] < 0:
                raise ArgumentError(
                    explain(
                        f"batches: start has {name}={start[name]!r}",
                        fix="give what `position` was, as it was",
                    )
                )
        return start["epoch"], start["batch"]


class _Rows(_Source):
    """The rows of arrays."""

    def __init__(
        self, arrays: Any, size: int, key: Any, drop_last: bool, finite: bool
    ) -> None:
        self.rows = checked_rows("batches", arrays)
        self.arrays, self.size, self.key = arrays, size, key
        self.drop_last, self.finite = drop_last, finite
        self.identity = {
            "rows": self.rows,
            "size": size,
            "key": None if key is None else np.asarray(key).tolist(),
        }
        if key is not None:
            wg.random.fold_in(key, 0)  # refuses what is no key

    def order(self, epoch: int) -> Any:
        if self.key is None:
            return np.arange(self.rows)
        return wg.random.permutation(wg.random.fold_in(self.key, epoch), self.rows)

    def length(self) -> int:
        return (self.rows if self.drop_last else self.rows + self.size - 1) // self.size

    def epoch(self, number: int, begin: int) -> Iterator[Any]:
        order = self.order(number)
        for i in range(begin, self.length()):
            rows = order[i * self.size : (i + 1) * self.size]
            batch = wg.tree.map(lambda x, rows=rows: np.asarray(x[rows]), self.arrays)
            if self.finite:
                check_finite(batch, rows)
            yield batch


class _Examples(_Source):
    """Examples that a function gives one after the other."""

    def __init__(
        self,
        make: Callable[[], Iterable[Any]],
        size: int,
        key: Any,
        drop_last: bool,
        finite: bool,
    ) -> None:
        if key is not None:
            raise ArgumentError(
                explain(
                    "batches: examples that come one after the other are not shuffled",
                    fix="leave the key out, or pass arrays",
                )
            )
        self.make, self.size = make, size
        self.drop_last, self.finite = drop_last, finite
        self.identity = {"size": size}

    def length(self) -> int:
        raise DTypeError(
            explain(
                "len: how many examples there are is not known before they are read",
                fix="count the batches of an epoch, or pass arrays",
            )
        )

    def epoch(self, number: int, begin: int) -> Iterator[Any]:
        first = begin * self.size
        examples = itertools.islice(iter(self.make()), first, None)
        for batch in stacked(examples, self.size, first):
            if self.drop_last and len(wg.tree.leaves(batch)[0]) < self.size:
                return
            if self.finite:
                check_finite(batch)
            yield batch
