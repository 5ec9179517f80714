"""Batches: every row once, in an order that can be gone on with; splits."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest

import wengert as wg

KEY = wg.random.key(11)
ROWS = 23
DATA = {"x": np.arange(2.0 * ROWS).reshape(ROWS, 2), "y": np.arange(ROWS)}


def rows(stream):
    return [batch["y"].tolist() for batch in stream]


def test_every_row_comes_once():
    found = rows(wg.data.batches(DATA, 5, KEY))
    assert [len(part) for part in found] == [5, 5, 5, 5, 3]
    assert sorted(sum(found, [])) == list(range(ROWS))
    assert sum(found, []) != list(range(ROWS))


def test_arrays_stay_together():
    for batch in wg.data.batches(DATA, 5, KEY):
        assert (batch["x"] == DATA["x"][batch["y"]]).all()


def test_without_a_key_rows_keep_their_order():
    assert sum(rows(wg.data.batches(DATA, 4)), []) == list(range(ROWS))


def test_epochs_have_orders_of_their_own():
    stream = wg.data.batches(DATA, ROWS, KEY, epochs=3)
    found = rows(stream)
    assert len({tuple(part) for part in found}) == 3
    assert found == rows(wg.data.batches(DATA, ROWS, KEY, epochs=3))
    endless = wg.data.batches(DATA, ROWS, KEY, epochs=None)
    assert rows(itertools.islice(endless, 3)) == found


def test_the_last_batch_may_be_left_out():
    stream = wg.data.batches(DATA, 5, KEY, drop_last=True)
    assert len(stream) == 4
    assert [len(part) for part in rows(stream)] == [5] * 4
    assert len(wg.data.batches(DATA, 5)) == 5


@pytest.mark.parametrize("taken", range(11))
def test_going_on_in_the_middle(taken):
    make = lambda start=None: wg.data.batches(DATA, 5, KEY, epochs=2, start=start)
    stream = make()
    whole = rows(make())
    assert rows(itertools.islice(stream, taken)) == whole[:taken]
    saved = json.dumps(stream.position)
    assert rows(make(json.loads(saved))) == whole[taken:]
    assert rows(stream) == whole[taken:]


def test_batches_are_copies():
    batch = next(wg.data.batches(DATA, 5))
    batch["x"][:] = -1.0
    assert DATA["x"].min() == 0.0


def examples():
    for i in range(10):
        yield {"x": np.full(3, float(i)), "y": i}


def test_examples_are_stacked():
    found = list(wg.data.batches(examples, 4, epochs=2))
    assert [batch["x"].shape for batch in found] == [(4, 3), (4, 3), (2, 3)] * 2
    assert found[1]["y"].tolist() == [4, 5, 6, 7]
    short = wg.data.batches(examples, 4, drop_last=True)
    assert [len(batch["y"]) for batch in short] == [4, 4]


def test_going_on_among_examples():
    stream = wg.data.batches(examples, 4, epochs=2)
    for _ in range(4):
        next(stream)
    again = wg.data.batches(examples, 4, epochs=2, start=stream.position)
    assert rows(again) == rows(stream) == [[4, 5, 6, 7], [8, 9]]


def test_an_error_ends_the_iterator():
    data = np.array([1.0, 2.0, np.nan, 4.0])
    stream = wg.data.batches(data, 1, finite=True)
    assert [next(stream)[0], next(stream)[0]] == [1.0, 2.0]
    with pytest.raises(wg.errors.DataError, match=r"data\[2\] is nan"):
        next(stream)
    assert stream.position["batch"] == 2
    assert list(stream) == []


# -- splits ----------------------------------------------------------------------------


def test_split():
    parts = wg.data.split(DATA, (0.6, 0.2, 0.2), KEY)
    assert [len(part["y"]) for part in parts] == [14, 4, 5]
    assert sorted(sum((part["y"].tolist() for part in parts), [])) == list(range(ROWS))
    again = wg.data.split(DATA, (0.6, 0.2, 0.2), KEY)
    assert all((a["y"] == b["y"]).all() for a, b in zip(parts, again, strict=True))
    other = wg.data.split(DATA, (0.6, 0.2, 0.2), wg.random.key(12))
    assert (parts[0]["y"] != other[0]["y"]).any()


def test_a_split_keeps_the_shares_of_classes():
    rng = np.random.default_rng(0)
    labels = rng.choice(5, 997, p=[0.5, 0.3, 0.15, 0.04, 0.01])
    counts = np.bincount(labels)
    shares = (0.7, 0.15, 0.15)
    parts = wg.data.split(labels, shares, KEY, labels=labels)
    for part, share in zip(parts, shares, strict=True):
        assert abs(np.bincount(part, minlength=5) - share * counts).max() <= 1.0
    assert sum(map(len, parts)) == 997


def test_labels_of_any_kind():
    labels = np.array(["a", "b"] * 10)
    train, test = wg.data.split(labels, (0.5, 0.5), KEY, labels=labels)
    assert sorted(train) == sorted(test) == ["a"] * 5 + ["b"] * 5
