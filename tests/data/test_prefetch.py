"""Work in the background: order, errors, and threads that end."""

from __future__ import annotations

import gc
import signal
import threading
import time
import traceback

import numpy as np
import pytest

import wengert as wg


@pytest.fixture(autouse=True)
def no_leaked_thread():
    yield
    assert ended(), [t.name for t in threading.enumerate()]


def ended():
    """Whether the threads have come to their end, soon."""
    for _ in range(500):
        if not any(t.name == "prefetch" for t in threading.enumerate()):
            return True
        time.sleep(0.01)
    return False


def test_items_come_in_order():
    assert list(wg.data.prefetch(range(100), 3)) == list(range(100))


def test_work_is_done_ahead():
    made = []

    def source():
        for i in range(10):
            made.append(i)
            yield i

    with wg.data.prefetch(source(), 3) as stream:
        next(stream)
        for _ in range(500):
            if len(made) == 5:  # one taken, three held ready, one waiting for room
                break
            time.sleep(0.01)
        time.sleep(0.05)
        assert len(made) == 5


def test_position_is_that_of_what_was_taken():
    key = wg.random.key(0)
    make = lambda start=None: wg.data.batches(np.arange(20), 3, key, start=start)
    whole = [batch.tolist() for batch in make()]
    with wg.data.prefetch(make(), 4) as stream:
        assert stream.position["batch"] == 0
        taken = [next(stream).tolist() for _ in range(2)]
        assert taken == whole[:2]
        place = stream.position
    assert [batch.tolist() for batch in make(place)] == whole[2:]


def broken():
    yield 1
    raise OSError("the disk is gone")


def test_an_error_comes_with_its_traceback():
    stream = wg.data.prefetch(broken())
    assert next(stream) == 1
    with pytest.raises(OSError, match="the disk is gone") as caught:
        next(stream)
    lines = "".join(traceback.format_exception(caught.value))
    assert "in broken" in lines
    assert list(stream) == []


def endless():
    while True:
        yield np.zeros(10)


def test_break_ends_the_thread():
    for _ in wg.data.prefetch(endless()):
        break
    assert ended()


def test_an_exception_of_the_consumer_ends_the_thread():
    with pytest.raises(ZeroDivisionError):
        for _ in wg.data.prefetch(endless()):
            1 / 0  # noqa: B018
    gc.collect()
    assert ended()


def test_the_end_of_the_block_ends_the_thread():
    with wg.data.prefetch(endless()) as stream:
        next(stream)
    assert not any(t.name == "prefetch" for t in threading.enumerate())
    stream.close()
    assert list(stream) == []


def test_a_generator_is_closed():
    closed = []

    def source():
        try:
            yield from endless()
        finally:
            closed.append(True)

    with wg.data.prefetch(source()) as stream:
        next(stream)
    assert closed == [True]


def test_interrupt_while_waiting():
    released = threading.Event()

    def stuck():
        released.wait(20.0)
        yield 1

    main = threading.main_thread().ident
    interrupt = lambda: signal.pthread_kill(main, signal.SIGINT)
    timer = threading.Timer(0.2, interrupt)
    stream = wg.data.prefetch(stuck())
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        next(stream)
    released.set()
    timer.join()
    stream.close()
