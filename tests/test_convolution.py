"""Convolution and pooling, held against loops, NumPy and differences."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

import wengert as wg
import wengert.numpy as wnp

RNG = np.random.default_rng(5)


def normal(*shape):
    return RNG.normal(size=shape)


def inner(xs, ys):
    return sum(np.real(np.vdot(x, y)) for x, y in zip(xs, ys, strict=True))


def conv_by_loops(x, w, strides, padding, dilation, groups):
    """The definition, entry by entry."""
    x = np.pad(x, ((0, 0), (0, 0), *padding))
    window = w.shape[2:]
    places = [
        (n - d * (k - 1) - 1) // s + 1
        for n, k, s, d in zip(x.shape[2:], window, strides, dilation, strict=True)
    ]
    out = np.zeros((len(x), len(w), *places), np.result_type(x, w))
    per_in, per_out = w.shape[1], len(w) // groups
    for n, o, c in product(range(len(x)), range(len(w)), range(per_in)):
        channel = o // per_out * per_in + c
        for place in product(*map(range, places)):
            for offset in product(*map(range, window)):
                at = tuple(
                    p * s + k * d
                    for p, s, k, d in zip(place, strides, offset, dilation, strict=True)
                )
                out[(n, o, *place)] += x[(n, channel, *at)] * w[(o, c, *offset)]
    return out


# x, w, strides, padding, dilation, groups
SETTINGS = [
    ((2, 3, 6), (4, 3, 2), (1,), ((0, 0),), (1,), 1),
    ((1, 4, 9), (6, 2, 3), (2,), ((1, 2),), (2,), 2),
    ((2, 2, 5, 4), (3, 2, 3, 2), (2, 1), ((1, 0), (0, 2)), (1, 2), 1),
    ((1, 2, 4, 3, 3), (2, 1, 2, 2, 1), (1, 2, 1), ((0, 1),) * 3, (1, 1, 1), 2),
    ((1, 1, 1), (1, 1, 1), (1,), ((0, 0),), (1,), 1),
    ((0, 1, 4), (2, 1, 2), (1,), ((0, 0),), (1,), 1),
]


@pytest.mark.parametrize("kind", [float, complex])
@pytest.mark.parametrize(
    ("x", "w", "strides", "padding", "dilation", "groups"), SETTINGS
)
def test_conv(x, w, strides, padding, dilation, groups, kind):
    draw = normal if kind is float else lambda *s: normal(*s) + 1j * normal(*s)
    x, w, dx, dw = draw(*x), draw(*w), draw(*x), draw(*w)
    function = lambda x, w: wnp.conv(x, w, strides, padding, dilation, groups)
    expected = conv_by_loops(x, w, strides, padding, dilation, groups)
    np.testing.assert_allclose(function(x, w), expected, rtol=1e-13, atol=1e-13)
    value, tangent = wg.jvp(function, (x, w), (dx, dw))
    exact = function(x, dw) + function(dx, w)
    np.testing.assert_allclose(tangent, exact, rtol=1e-13, atol=1e-13)
    ct = draw(*value.shape)
    cts = wg.vjp(function, x, w)[1](ct)
    expected = inner([ct], [tangent])
    assert abs(inner(cts, (dx, dw)) - expected) <= 1e-12 * (1 + abs(expected))


@pytest.mark.parametrize(
    ("x", "w", "strides", "padding", "dilation", "groups"), SETTINGS
)
def test_conv_of_second_order_and_batched(x, w, strides, padding, dilation, groups):
    x, w, dx, dw = normal(*x), normal(*w), normal(*x), normal(*w)
    function = lambda x, w: wnp.conv(x, w, strides, padding, dilation, groups)
    ct = normal(*function(x, w).shape)
    gradients = lambda x, w: wg.vjp(function, x, w)[1](ct)
    forward = wg.jvp(gradients, (x, w), (dx, dw))[1]
    reverse = wg.vjp(gradients, x, w)[1]((dx, dw))
    exact = gradients(dx, dw)  # bilinear: the gradient is linear in the other operand
    for f, r, e in zip(forward, reverse, exact, strict=True):
        np.testing.assert_allclose(f, e, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(r, e, rtol=1e-12, atol=1e-12)
    for in_axes in [(0, None), (None, 0), (0, 0)]:
        xs = normal(3, *x.shape) if in_axes[0] == 0 else x
        ws = normal(3, *w.shape) if in_axes[1] == 0 else w
        batched = wg.vmap(gradients, in_axes=in_axes)(xs, ws)
        values = wg.vmap(function, in_axes=in_axes)(xs, ws)
        for lane in range(3):
            one = (
                xs[lane] if in_axes[0] == 0 else xs,
                ws[lane] if in_axes[1] == 0 else ws,
            )
            np.testing.assert_allclose(
                values[lane], function(*one), rtol=1e-12, atol=1e-12
            )
            for b, e in zip(batched, gradients(*one), strict=True):
                np.testing.assert_allclose(b[lane], e, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("strides", [1, 2, 3])
@pytest.mark.parametrize("length", [5, 6, 7])
def test_same_padding(length, strides):
    out = wnp.conv(
        np.ones((1, 1, length)), np.ones((1, 1, 4)), strides, "same", dilation=2
    )
    assert out.shape == (1, 1, -(-length // strides))


@pytest.mark.parametrize("output_padding", [0, 1])
@pytest.mark.parametrize(
    ("strides", "padding", "dilation", "groups"), [(2, 1, 1, 1), (3, 0, 2, 2)]
)
def test_conv_transpose_is_the_transpose(
    strides, padding, dilation, groups, output_padding
):
    settings = (strides, padding, dilation, groups)
    y, w = normal(2, 4, 3), normal(4, 2, 3)
    x = wnp.conv_transpose(y, w, *settings, output_padding)
    assert x.shape == (
        2,
        2 * groups,
        2 * strides - 2 * padding + dilation * 2 + 1 + output_padding,
    )
    other = normal(*x.shape)
    np.testing.assert_allclose(
        np.vdot(x, other), np.vdot(y, wnp.conv(other, w, *settings)), rtol=1e-12
    )
    function = lambda y, w: (
        wnp.conv_transpose(y, w, *settings, output_padding) ** 2
    ).sum()
    wg.check_grads(function, (y, w), order=2)


# -- convolve and correlate -----------------------------------------------------------

LENGTHS = [(7, 3), (3, 7), (6, 4), (4, 6), (5, 5), (1, 1), (4, 1)]


@pytest.mark.parametrize("kind", [float, complex])
@pytest.mark.parametrize("name", ["convolve", "correlate"])
@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("lengths", LENGTHS)
def test_convolve_and_correlate(name, mode, lengths, kind):
    draw = normal if kind is float else lambda *s: normal(*s) + 1j * normal(*s)
    x, y, dx, dy = (draw(n) for n in lengths * 2)
    function = lambda x, y: getattr(wnp, name)(x, y, mode)
    numpys = getattr(np, name)
    np.testing.assert_array_equal(function(x, y), numpys(x, y, mode))
    value, tangent = wg.jvp(function, (x, y), (dx, dy))
    np.testing.assert_allclose(value, numpys(x, y, mode), rtol=1e-13, atol=1e-13)
    exact = numpys(dx, y, mode) + numpys(x, dy, mode)
    np.testing.assert_allclose(tangent, exact, rtol=1e-13, atol=1e-13)
    ct = draw(len(value))
    cts = wg.vjp(function, x, y)[1](ct)
    assert abs(inner(cts, (dx, dy)) - inner([ct], [tangent])) < 1e-12
    lanes = wg.vmap(function, in_axes=(None, 0))(x, np.stack([y, dy]))
    np.testing.assert_allclose(lanes[1], numpys(x, dy, mode), rtol=1e-13, atol=1e-13)


def test_numpys_convolve_arrives_here():
    x = normal(5)
    got = wg.grad(lambda v: np.convolve(x, v, "valid").sum())(np.ones(2))
    np.testing.assert_allclose(got, [x[1:].sum(), x[:-1].sum()], rtol=1e-14)


# -- pooling --------------------------------------------------------------------------

POOLS = [
    ((2, 3, 8), 2, None, 0),
    ((1, 2, 7, 6), (3, 2), (2, 1), "same"),
    ((1, 1, 5), 3, 1, ((1, 0),)),
    ((2, 1, 3), 1, 1, 0),
]


def patches(x, window, strides, padding, fill):
    """Every window of every channel, by loops."""
    count = x.ndim - 2
    window = (window,) * count if isinstance(window, int) else window
    strides = (
        window
        if strides is None
        else (strides,) * count
        if isinstance(strides, int)
        else strides
    )
    if padding == "same":
        padding = []
        for n, k, s in zip(x.shape[2:], window, strides, strict=True):
            total = max((-(-n // s) - 1) * s + k - n, 0)
            padding.append((total // 2, total - total // 2))
    elif padding == 0:
        padding = ((0, 0),) * count
    x = np.pad(x, ((0, 0), (0, 0), *padding), constant_values=fill)
    places = [
        (n - k) // s + 1 for n, k, s in zip(x.shape[2:], window, strides, strict=True)
    ]
    for place in product(*map(range, places)):
        index = tuple(
            slice(p * s, p * s + k)
            for p, s, k in zip(place, strides, window, strict=True)
        )
        yield x[(..., *index)].reshape(*x.shape[:2], -1)


@pytest.mark.parametrize(("shape", "window", "strides", "padding"), POOLS)
@pytest.mark.parametrize("name", ["max_pool", "avg_pool"])
def test_pooling(name, shape, window, strides, padding):
    x = normal(*shape)
    function = lambda x: getattr(wnp, name)(x, window, strides, padding)
    fill = -np.inf if name == "max_pool" else 0.0
    reduced = np.max if name == "max_pool" else np.mean
    expected = [reduced(p, -1) for p in patches(x, window, strides, padding, fill)]
    out = function(x)
    np.testing.assert_allclose(
        out.reshape(*out.shape[:2], -1), np.stack(expected, -1), rtol=1e-14
    )
    wg.check_grads(lambda x: (function(x) ** 2).sum(), (x,), order=2)
    lanes = np.stack([x, 2 * x - 1])
    batched = wg.vmap(function)(lanes)
    # Means that are nearly 0 are sums in another order.
    np.testing.assert_allclose(batched[1], function(lanes[1]), rtol=1e-14, atol=1e-15)


def test_ties_share_equally():
    gradient = wg.grad(lambda x: wnp.max_pool(x, (2, 2)).sum())(np.ones((1, 1, 2, 2)))
    np.testing.assert_array_equal(gradient, np.full((1, 1, 2, 2), 0.25))


def test_padding_is_never_the_largest():
    x = -np.ones((1, 1, 2))
    np.testing.assert_array_equal(wnp.max_pool(x, 3, 1, "same"), x)
    whole = np.array([[[-5, -7]]])
    np.testing.assert_array_equal(wnp.max_pool(whole, 3, 1, "same"), [[[-5, -5]]])


# -- errors ---------------------------------------------------------------------------

X, W = np.ones((1, 2, 4)), np.ones((2, 2, 3))
SHAPE, ARGUMENT = wg.errors.ShapeError, wg.errors.ArgumentError
ERRORS = [
    (lambda: wnp.conv(X[0], W), SHAPE, "conv: expected (batch, channels, *space)"),
    (lambda: wnp.conv(X[:, :1], W), SHAPE, "conv: (1, 1, 4) has 1 channels"),
    (lambda: wnp.conv(X, W[:, :1], groups=3), SHAPE, "with groups=3 takes 3"),
    (lambda: wnp.conv(X, W, dilation=2), SHAPE, "does not fit into (4,)"),
    (
        lambda: wnp.conv(X, W, strides=0),
        ARGUMENT,
        "conv: strides=0 with 1 spatial axes",
    ),
    (lambda: wnp.conv(X, W, dilation=(1, 1)), ARGUMENT, "conv: dilation=(1, 1)"),
    (lambda: wnp.conv(X, W, padding="full"), ARGUMENT, "conv: padding='full'"),
    (lambda: wnp.conv(X, W, padding=-1), ARGUMENT, "conv: padding=-1"),
    (lambda: wnp.conv(X, W, padding=1.5), ARGUMENT, "conv: padding=1.5"),
    (lambda: wnp.conv_transpose(X, W, padding="same"), ARGUMENT, "padding='same', but"),
    (lambda: wnp.conv_transpose(X, W, output_padding=1), SHAPE, "is convolved to (4,)"),
    (lambda: wnp.conv_transpose(X, W, padding=3), SHAPE, "no array of shape (0,)"),
    (
        lambda: wnp.max_pool(X[0], 2),
        SHAPE,
        "max_pool: expected (batch, channels, *space)",
    ),
    (lambda: wnp.avg_pool(X, 5), SHAPE, "avg_pool: a window of (5,)"),
    (lambda: wnp.avg_pool(X, (2, 2)), ARGUMENT, "avg_pool: window=(2, 2)"),
    (
        lambda: wg.vjp(lambda a: wnp.convolve(a, a, "odd"), X[0, 0]),
        ARGUMENT,
        "mode='odd'",
    ),
    (lambda: wg.vjp(lambda a: wnp.correlate(a, a, 3), X[0, 0]), ARGUMENT, "mode=3"),
]


@pytest.mark.parametrize(("call", "error", "text"), ERRORS)
def test_error_texts(call, error, text):
    with pytest.raises(error) as caught:
        call()
    assert text in str(caught.value)
    assert "test_convolution.py" in str(caught.value)
    assert "\n  Fix: " in str(caught.value)
