"""Keys, and the generator's bits: published vectors, and values that never change."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as wg
from wengert.random._philox import philox

# Random123, tests/kat_vectors, "philox4x32 10": counter, key, result.
KNOWN = """
00000000 00000000 00000000 00000000  00000000 00000000
    6627e8d5 e169c58d bc57ac4c 9b00dbd8
ffffffff ffffffff ffffffff ffffffff  ffffffff ffffffff
    408f276d 41c83b0e a20bc7c6 6d5451fd
243f6a88 85a308d3 13198a2e 03707344  a4093822 299f31d0
    d16cfe09 94fdcceb 5001e420 24126ea1
"""
VECTORS = np.array([int(w, 16) for w in KNOWN.split()], np.uint64).reshape(3, 10)


@pytest.mark.parametrize("run", [philox, wg.jit(philox)], ids=["eager", "compiled"])
@pytest.mark.parametrize("vector", VECTORS)
def test_published_vectors(vector, run):
    counter, key, result = np.split(vector, [4, 6])
    even, odd = run(counter[0::2, None], counter[1::2, None], key[:, None])
    assert list(even[:, 0]) == list(result[0::2])
    assert list(odd[:, 0]) == list(result[1::2])


def test_bits_are_the_generators():
    zero = VECTORS[0, 6:]
    assert list(wg.random.bits(wg.random.key(0), 4)) == list(zero)
    assert wg.random.bits(wg.random.key(0), 2, np.uint64)[1] == zero[2] | zero[3] << 32


def test_bits_of_a_later_block_are_those_of_their_counter():
    key = wg.random.key(0xA409382200000001)
    drawn = wg.random.bits(key, (5000, 4))
    counter = np.array([[4999], [0]], np.uint64), np.zeros((2, 1), np.uint64)
    even, odd = philox(*counter, key.astype(np.uint64)[:, None])
    assert list(drawn[4999]) == [even[0, 0], odd[0, 0], even[1, 0], odd[1, 0]]


def test_values_never_change():
    key = wg.random.fold_in(wg.random.split(wg.random.key(2026), 3)[2], 5)
    assert key.tolist() == [1957416275, 2130425014]
    assert wg.random.uniform(key) == 0.9000945090094715
    assert np.isclose(wg.random.normal(key), 0.433629139305499, rtol=1e-15)
    assert wg.random.integers(key, -5, 10**15) == 72021452282661
    assert wg.random.permutation(key, 6).tolist() == [2, 1, 4, 3, 5, 0]


def test_key_is_the_seed():
    assert wg.random.key(2**64 - 1).tolist() == [2**32 - 1] * 2
    assert wg.random.key(np.uint8(3)).tolist() == [3, 0]
    assert wg.jit(wg.random.key)(5).tolist() == [5, 0]


def test_uses_of_a_key_are_apart():
    key = wg.random.key(1)
    keys = [
        *wg.random.bits(key, (50, 2)),
        *wg.random.split(key, 50),
        *(wg.random.fold_in(key, i) for i in range(50)),
    ]
    assert len({tuple(k) for k in keys}) == 150


def test_first_keys_do_not_depend_on_their_number():
    key = wg.random.key(1)
    assert (wg.random.split(key, 5)[:2] == wg.random.split(key)).all()


def test_step_counter_in_a_compiled_loop():
    def walk(key, steps):
        place = 0.0
        for step in range(steps):
            place = place + wg.random.normal(wg.random.fold_in(key, step))
        return place

    key = wg.random.key(3)
    assert np.isclose(wg.jit(walk)(key, 20), walk(key, 20), rtol=1e-14)


def test_keys_of_several_workers():
    draw = lambda k: wg.random.uniform(k, (4,))
    keys = wg.random.split(wg.random.key(0), 3)
    each = np.stack([draw(k) for k in keys])
    assert (wg.vmap(draw)(keys) == each).all()
    assert (wg.jit(wg.vmap(draw))(keys) == each).all()
