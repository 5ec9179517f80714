"""What a compiled function reads besides its arguments is noticed when it changes."""

from __future__ import annotations

import dataclasses
from functools import partial

import numpy as np

import wengert as wg
from wengert import nn
from wengert._staging.watch import Watch

scale = 2.0


def scaled(x, k=1.0):
    return x * k * scale


class Rate:
    factor = 2.0

    def __init__(self):
        self.k = 1.0
        self.inner = [partial(scaled, k=1.0)]

    def __call__(self, x):
        return x * self.k * scale

    def times(self, x):
        return x * self.factor

    def first(self, x):
        return self.inner[0](x)


def test_keywords_of_a_partial(monkeypatch):
    given = partial(scaled, k=3.0)
    for compiled in (wg.jit(given), wg.jit(lambda x: given(x))):
        given.keywords["k"] = 3.0
        assert compiled(1.0) == 6.0
        given.keywords["k"] = 5.0
        assert compiled(1.0) == 10.0
        with monkeypatch.context() as patch:
            patch.setitem(globals(), "scale", 7.0)
            assert compiled(1.0) == 35.0


def test_arrays_in_a_partial():
    a = np.ones(2)
    compiled = wg.jit(partial(lambda a, x, b: a * x + b, a, b=a))
    assert compiled(2.0).tolist() == [3.0, 3.0]
    a[:] = 3.0
    assert compiled(2.0).tolist() == [9.0, 9.0]


def test_what_methods_read(monkeypatch):
    rate = Rate()
    compiled = [wg.jit(rate), wg.jit(lambda x: rate(x)), wg.jit(rate.first)]
    assert [f(1.0) for f in compiled] == [2.0, 2.0, 2.0]
    monkeypatch.setitem(globals(), "scale", 8.0)
    assert [f(1.0) for f in compiled] == [8.0, 8.0, 8.0]
    rate.k = 3.0
    rate.inner[0].keywords["k"] = 2.0
    assert [f(1.0) for f in compiled] == [24.0, 24.0, 16.0]


def test_attributes_of_a_class(monkeypatch):
    rate = Rate()
    compiled = wg.jit(lambda x: rate.times(x))
    assert compiled(1.0) == 2.0
    monkeypatch.setattr(Rate, "factor", 5.0)
    assert compiled(1.0) == 5.0
    monkeypatch.setattr(Rate, "times", lambda self, x: x - 1.0)
    assert compiled(1.0) == 0.0


@dataclasses.dataclass(frozen=True)
class Polynomial:
    coefficients: tuple[float, ...]
    scales: list[float]

    def __call__(self, x):
        total = 0.0
        for c in self.coefficients:
            total = total * x + c
        return total * self.scales[0]


def test_frozen_dataclasses():
    """What such an object was made with is known; a list that it was given is not."""
    found = {"f": Polynomial((1.0, 2.0), [1.0])}
    compiled = wg.jit(lambda x: found["f"](x))
    assert compiled(3.0) == 5.0
    found["f"].scales[0] = 2.0
    assert compiled(3.0) == 10.0
    found["f"] = Polynomial((1.0, 3.0), [1.0])
    assert compiled(3.0) == 6.0


def test_what_is_compared_at_a_call():
    """Neither frozen objects nor this package's own classes and functions are."""
    model = nn.Chain(*[nn.Dense(2, 2) for _ in range(20)], nn.relu)
    watch = Watch([lambda x, p: nn.apply(model, x, p)])
    assert len(watch.compared) < 20
