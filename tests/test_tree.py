"""`wg.tree.ravel`: the numbers of a pytree in one vector, and back."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as wg

TREE = {
    "w": np.arange(6.0).reshape(2, 3),
    "b": 3.0,
    "half": np.float32(0.5),
    "zero_d": np.array(2.0),
    "layers": 3,
    "name": "net",
}


def test_structure_shapes_and_dtypes_come_back():
    vector, unravel = wg.tree.ravel(TREE)
    assert vector.dtype == np.float64
    assert sorted(vector) == sorted([*range(6), 3.0, 0.5, 2.0])
    back = unravel(vector)
    np.testing.assert_array_equal(back["w"], TREE["w"])
    assert type(back["b"]) is np.float64 and back["b"] == 3.0
    assert type(back["half"]) is np.float32
    assert isinstance(back["zero_d"], np.ndarray) and back["zero_d"].shape == ()
    assert (back["layers"], back["name"]) == (3, "net")


def test_the_vector_is_new():
    given = np.ones(3)
    vector, _ = wg.tree.ravel(given)
    vector[0] = 7.0
    assert given[0] == 1.0


def test_a_tree_without_numbers():
    vector, unravel = wg.tree.ravel({"n": 2})
    assert vector.shape == (0,)
    assert unravel(vector) == {"n": 2}


@pytest.mark.parametrize("transformed", [lambda f: f, wg.jit], ids=["eager", "jit"])
def test_through_transformations(transformed):
    def energy(point):
        vector, unravel = wg.tree.ravel(point)
        squares = unravel(vector * vector)
        return squares["b"] * squares["w"].sum()

    point = {"w": np.ones((2, 2)), "b": 3.0}
    slopes = transformed(wg.grad(energy))(point)
    np.testing.assert_array_equal(slopes["w"], np.full((2, 2), 18.0))
    assert slopes["b"] == 24.0
    lanes = transformed(wg.vmap(energy))({"w": np.ones((5, 2)), "b": np.arange(5.0)})
    np.testing.assert_array_equal(lanes, 2 * np.arange(5.0) ** 2)
