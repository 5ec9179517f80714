"""Batches made in the background, while the one before is used."""

from __future__ import annotations

import threading
import weakref
from collections import deque
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any

from wengert.data._checks import check_count

END = object()


class _Shelf:
    """What a thread has made and nobody has taken yet."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.items: deque[Any] = deque()
        self.changed = threading.Condition()
        self.closed = False

    def put(self, item: Any) -> bool:
        """Wait for room; False if nobody takes any more."""
        with self.changed:
            self.changed.wait_for(lambda: self.closed or len(self.items) < self.size)
            if not self.closed:
                self.items.append(item)
                self.changed.notify_all()
            return not self.closed

    def take(self) -> Any:
        with self.changed:
            self.changed.wait_for(lambda: self.closed or self.items)
            item = self.items.popleft() if self.items else (END, None)
            self.changed.notify_all()
            return item

    def close(self) -> None:
        with self.changed:
            self.closed = True
            self.items.clear()
            self.changed.notify_all()


def _fill(shelf: _Shelf, source: Iterator[Any]) -> None:
    """What the thread runs; it knows the shelf, and not who takes from it."""
    try:
        for item in source:
            if not shelf.put((item, getattr(source, "position", None))):
                break
        shelf.put((END, None))
    except BaseException as error:
        shelf.put((END, error))
    finally:
        close = getattr(source, "close", None)
        if close is not None:
            close()


class Prefetched(Iterator[Any]):
    """Items of another iterator; use it in a ``with`` block, or let go of it."""

    def __init__(self, source: Iterable[Any], size: int) -> None:
        running = iter(source)
        self._shelf = _Shelf(size)
        self._position = getattr(running, "position", None)
        self._thread = threading.Thread(
            target=_fill, args=(self._shelf, running), name="prefetch", daemon=True
        )
        self._finalizer = weakref.finalize(self, self._shelf.close)
        self._thread.start()

    @property
    def position(self) -> Any:
        """The `position` of the batches behind the last item that was taken."""
        return self._position

    def __iter__(self) -> Prefetched:
        return self

    def __next__(self) -> Any:
        item, note = self._shelf.take()
        if item is not END:
            self._position = note
            return item
        self._shelf.close()
        if note is not None:
            raise note
        raise StopIteration

    def close(self) -> None:
        """End the thread, and wait for it."""
        self._finalizer()
        self._thread.join()

    def __enter__(self) -> Prefetched:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def prefetch(source: Iterable[Any], size: int = 2) -> Prefetched:
    """The items of an iterator, made in a thread ahead of their use.

    An exception in `source` is raised where its item would have come, with its
    traceback. The thread ends when the items do, when the ``with`` block is left, or
    when the iterator is not referred to any more, as after ``break``.

    Args:
        source: What is iterated over, by the thread alone.
        size: How many items are held ready.

    Returns:
        An iterator with the items, and the ``position`` where the source has one: that
        behind the item taken last, not the one made last.

    Raises:
        ArgumentError: `size` is not positive.

    Example:
        >>> import numpy as np, wengert as wg
        >>> with wg.data.prefetch(wg.data.batches(np.arange(4), 2)) as stream:
        ...     for batch in stream:
        ...         print(batch, stream.position["batch"])
        [0 1] 1
        [2 3] 2
    """
    check_count("prefetch", "size", size)
    return Prefetched(source, size)
