"""Arrays in files."""

from __future__ import annotations

import numpy as np

import wengert as wg


def test_npy_is_mapped(tmp_path):
    data = np.arange(60.0).reshape(20, 3)
    np.save(tmp_path / "x.npy", data)
    mapped = wg.data.read_npy(tmp_path / "x.npy", dtype=float, shape=(None, 3))
    assert isinstance(mapped, np.memmap)
    assert not mapped.flags.writeable
    stream = wg.data.batches({"x": mapped}, 6, wg.random.key(0))
    found = [batch["x"] for batch in stream]
    assert all(type(x) is np.ndarray and x.flags.writeable for x in found)
    assert (np.sort(np.concatenate(found), axis=0) == data).all()
    train, test = wg.data.split(mapped, (0.5, 0.5), wg.random.key(0))
    assert len(train) == len(test) == 10


def test_csv(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('﻿a, b ,"c"\r\n1,2.5,"x, y"\r\n\r\n-3,nan,z\r\n', "utf-8")
    table = wg.data.read_csv(path, {"a": np.int32, "b": np.float32, "c": str})
    assert table["a"].tolist() == [1, -3] and table["a"].dtype == np.int32
    assert table["b"][0] == 2.5 and np.isnan(table["b"][1])
    assert table["b"].dtype == np.float32
    assert table["c"].tolist() == ["x, y", "z"]
    assert [*wg.data.read_csv(path, ["b"])] == ["b"]


def test_csv_with_missing_cells(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a;b\n1;\n ;2\n", "utf-8")
    table = wg.data.read_csv(path, delimiter=";", missing=np.nan)
    assert np.isnan(table["a"]).tolist() == [False, True]
    assert np.isnan(table["b"]).tolist() == [True, False]


def test_csv_without_rows(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n", "utf-8")
    assert wg.data.read_csv(path)["a"].shape == (0,)
