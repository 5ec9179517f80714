"""Special functions, evaluated by SciPy.

As in `wengert._ops.transcendental`, a derivative whose formula loses digits is an op of
its own. Families of derivatives take their order as an operand, as `polygamma` does.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special

from wengert._core.op import Op, Undefined
from wengert._core.source import explain
from wengert._core.types import is_complex
from wengert._ops.arithmetic import equal, reciprocal
from wengert._ops.families import Domain, Kink, elementwise
from wengert._ops.structure import where
from wengert._ops.transcendental import exp, log, log1p, tanh
from wengert.errors import DTypeError

_COMPLEX = (Domain(-1.5, 1.5, complex=True),)
_POSITIVE = Domain(0.3, 3.0)
_POSITIVE_COMPLEX = Domain(0.3, 3.0, complex=True)
_PROBABILITY = (Domain(0.2, 0.8),)
_INF = math.inf
_ORDER = Undefined("its order is an integer")


def _refuse_complex(name: str, x: Any) -> None:
    if is_complex(x):
        raise DTypeError(
            explain(
                f"{name}: expected real numbers, got {x.dtype}",
                why="this derivative is not implemented for complex numbers.",
                fix="differentiate at real arguments, or use wg.custom_jvp",
            )
        )


# -- the logistic function ------------------------------------------------------------


def _sigmoid_evaluate(xp: Any, x: Any) -> Any:
    return special.expit(x) if xp is np else 1.0 / (1.0 + xp.exp(-x))


def _sigmoid_slope_evaluate(xp: Any, x: Any) -> Any:
    _refuse_complex("sigmoid", x)
    e = xp.exp(-abs(x))
    return e / xp.square(1.0 + e)


def _softplus_evaluate(xp: Any, x: Any) -> Any:
    return np.logaddexp(x, 0) if xp is np else xp.logaddexp(x, xp.zeros_like(x))


sigmoid = elementwise("sigmoid", _sigmoid_evaluate, (lambda _out, x: sigmoid_slope(x),))
# Not out * (1 - out), which is 0 from x = 37 on; tanh is exact where its sign changes.
sigmoid_slope: Op = elementwise(
    "sigmoid_slope", _sigmoid_slope_evaluate, (lambda out, x: -out * tanh(0.5 * x),)
)
softplus = elementwise("softplus", _softplus_evaluate, (lambda _out, x: sigmoid(x),))
log_expit = elementwise("log_expit", special.log_expit, (lambda _out, x: sigmoid(-x),))
logit: Op = elementwise(
    "logit",
    special.logit,
    (lambda _out, x: reciprocal(x * (1.0 - x)),),
    domains=_PROBABILITY,
    kinks=Kink(
        lambda x: (x == 0) | (x == 1),
        "logit(x) at 0 and 1 (poles)",
        "inf",
        "inf",
        "inf",
        (1.0,),
        (_INF,),
    ),
)

# -- the error function and the normal distribution -----------------------------------


def _gaussian(name: str, rate: float) -> Op:
    """``exp(-rate x^2)``, for a rate that is a power of two.

    The rounding error of x^2 would be amplified by x^2: the part of x with few bits has
    an exact square, and the rest is small.
    """

    def evaluate(x: Any) -> Any:
        if is_complex(x):
            return np.exp(-rate * (x * x))
        coarse = np.clip(np.rint(x * 64.0) / 64.0, -64.0, 64.0)
        rest = x - coarse
        with np.errstate(over="ignore"):
            return np.exp(-rate * (coarse * coarse)) * np.exp(
                -rate * rest * (x + coarse)
            )

    return elementwise(
        name, evaluate, (lambda out, x: (-2.0 * rate) * x * out,), domains=_COMPLEX
    )


gaussian = _gaussian("gaussian", 1.0)
half_gaussian = _gaussian("half_gaussian", 0.5)

_ERF = 2.0 / math.sqrt(math.pi)
_DENSITY = 1.0 / math.sqrt(2.0 * math.pi)

erf: Op = elementwise(
    "erf", special.erf, (lambda _out, x: _ERF * gaussian(x),), domains=_COMPLEX
)
erfc: Op = elementwise(
    "erfc", special.erfc, (lambda _out, x: -_ERF * gaussian(x),), domains=_COMPLEX
)
erfinv: Op = elementwise(
    "erfinv",
    special.erfinv,
    (lambda out, _x: exp(out * out) / _ERF,),
    domains=(Domain(-0.8, 0.8),),
    kinks=Kink(
        lambda x: abs(x) == 1,
        "erfinv(x) at -1 and 1 (poles)",
        "inf",
        "inf",
        "inf",
        (1.0,),
        (_INF,),
    ),
)
ndtr: Op = elementwise(
    "ndtr",
    special.ndtr,
    (lambda _out, x: _DENSITY * half_gaussian(x),),
    domains=_COMPLEX,
)
ndtri: Op = elementwise(
    "ndtri",
    special.ndtri,
    (lambda out, _x: exp(0.5 * out * out) / _DENSITY,),
    domains=_PROBABILITY,
    kinks=Kink(
        lambda x: (x == 0) | (x == 1),
        "ndtri(x) at 0 and 1 (poles)",
        "inf",
        "0",
        "inf",
        (0.0,),
        (_INF,),
    ),
)


def _as_result(order: Any, x: Any) -> Any:
    """x in the dtype of the result, so that no step is less precise."""
    return np.asarray(x, np.result_type(order, x))


def _hazard_evaluate(x: Any) -> Any:
    """The density over the distribution function of the normal distribution, at x."""
    _refuse_complex("log_ndtr", x)
    left = math.sqrt(2.0 / math.pi) / special.erfcx(
        -np.minimum(x, 0.0) / math.sqrt(2.0)
    )
    right = _DENSITY * half_gaussian.evaluate(np.maximum(x, 0.0)) / special.ndtr(x)
    return np.where(x < 0, left, right)[()]


# The left tail begins here: sums of opposite signs lose at most a digit above it, and
# the continued fraction converges to the last bit below it.
TAIL = -4.0


def _mills_tail_evaluate(order: Any, x: Any) -> Any:
    """Tails of the continued fraction of `_hazard_evaluate`.

    C_k = k / (t + C_(k+1)) with t = -x, so that the hazard is t + C_1.
    """
    x = _as_result(order, x)
    t = -np.minimum(x, TAIL)
    fraction = np.zeros_like(t)
    for depth in range(60, -1, -1):
        fraction = (order + depth) / (t + fraction)
    with np.errstate(all="ignore"):
        forward = x + _hazard_evaluate(x)
        for k in range(1, int(np.max(order, initial=1))):
            forward = np.where(k < order, x + k / forward, forward)
    return np.where(x < TAIL, fraction, forward)[()]


mills_tail: Op = elementwise(
    "mills_tail",
    _mills_tail_evaluate,
    (_ORDER, lambda out, k, x: out * (mills_tail(k + 1, x) - out)),
    domains=(Domain(1, 3, integer=True), Domain(-6.0, 2.0)),
)


# Its derivative is -out (x + out), whose last factor cancels in the left tail.
hazard: Op = elementwise(
    "hazard", _hazard_evaluate, (lambda out, x: -out * mills_tail(1, x),)
)
log_ndtr: Op = elementwise("log_ndtr", special.log_ndtr, (lambda _out, x: hazard(x),))

# -- gamma functions ------------------------------------------------------------------


def _gamma_kink(name: str, ours: str, jax: str, torch: str, derivative: float) -> Kink:
    return Kink(
        lambda x: (x <= 0) & (x == np.floor(x)),
        f"{name}(x) at 0, -1, -2, ... (poles)",
        ours,
        jax,
        torch,
        (0.0,),
        (derivative,),
    )


def _polygamma_evaluate(order: Any, x: Any) -> Any:
    _refuse_complex("polygamma", x)
    return special.polygamma(order, _as_result(order, x))[()]


polygamma: Op = elementwise(
    "polygamma",
    _polygamma_evaluate,
    (_ORDER, lambda _out, n, x: polygamma(n + 1, x)),
    domains=(Domain(0, 4, integer=True), _POSITIVE),
)
digamma: Op = elementwise(
    "digamma",
    special.digamma,
    (lambda _out, x: polygamma(1, x),),
    domains=(_POSITIVE,),
    kinks=_gamma_kink("digamma", "inf", "inf", "inf", _INF),
)
gammaln: Op = elementwise(
    "gammaln",
    special.gammaln,
    (lambda _out, x: digamma(x),),
    domains=(_POSITIVE,),
    kinks=_gamma_kink("gammaln", "-inf at 0, NaN at -1, -2, ...", "NaN", "-inf", -_INF),
)
gamma: Op = elementwise(
    "gamma",
    special.gamma,
    (lambda out, x: out * digamma(x),),
    domains=(_POSITIVE,),
    kinks=_gamma_kink("gamma", "-inf at 0, NaN at -1, -2, ...", "NaN", "", -_INF),
)
loggamma: Op = elementwise(
    "loggamma", special.loggamma, (lambda _out, x: digamma(x),), domains=(_POSITIVE,)
)

# -- entropies ------------------------------------------------------------------------


def _safe_quotient(x: Any, y: Any) -> Any:
    """x / y, and 0 where x is 0."""
    return x / where(equal(x, 0), 1.0, y)


xlogy: Op = elementwise(
    "xlogy",
    special.xlogy,
    (lambda _out, _x, y: log(y), lambda _out, x, y: _safe_quotient(x, y)),
    domains=(_POSITIVE_COMPLEX, _POSITIVE_COMPLEX),
    kinks=Kink(
        lambda x, y: (x == 0) & (y == 0),
        "xlogy(x, y) at x = y = 0",
        "-inf in x, 0 in y",
        "-inf in x, NaN in y",
        "0 in x, NaN in y",
        (0.0, 0.0),
        (-_INF, 0.0),
    ),
)
xlog1py: Op = elementwise(
    "xlog1py",
    special.xlog1py,
    (lambda _out, _x, y: log1p(y), lambda _out, x, y: _safe_quotient(x, 1.0 + y)),
    domains=(_POSITIVE_COMPLEX, _POSITIVE_COMPLEX),
    kinks=Kink(
        lambda x, y: (x == 0) & (y == -1),
        "xlog1py(x, y) at x = 0, y = -1",
        "-inf in x, 0 in y",
        "-inf in x, NaN in y",
        "0 in x, NaN in y",
        (0.0, -1.0),
        (-_INF, 0.0),
    ),
)
entr: Op = elementwise(
    "entr",
    special.entr,
    (lambda _out, x: -log(x) - 1.0,),
    domains=(_POSITIVE,),
    kinks=Kink(lambda x: x == 0, "entr(x) at 0", "inf", "inf", "inf", (0.0,), (_INF,)),
)


def _log_ratio_evaluate(x: Any, y: Any) -> Any:
    """log(x / y), with all its digits near x = y, and without overflow of x / y."""
    with np.errstate(all="ignore"):
        ratio = x / y
        near = np.log1p((x - y) / y)
        far = np.log(ratio)
        apart = np.log(x) - np.log(y)
        in_range = (ratio > 1e-300) & (ratio < 1e300)
        close = abs(ratio - 1.0) < 0.5
    return np.where(close, near, np.where(in_range, far, apart))[()]


log_ratio: Op = elementwise(
    "log_ratio",
    _log_ratio_evaluate,
    (lambda _out, x, _y: 1.0 / x, lambda _out, _x, y: -1.0 / y),
    domains=(_POSITIVE, _POSITIVE),
)
relative_excess: Op = elementwise(
    "relative_excess",
    lambda xp, x, y: (x - y) / y,
    (lambda _out, _x, y: 1.0 / y, lambda _out, x, y: -(x / y) / y),
    domains=(_POSITIVE_COMPLEX, _POSITIVE_COMPLEX),
)
rel_entr: Op = elementwise(
    "rel_entr",
    special.rel_entr,
    (lambda _out, x, y: 1.0 + log_ratio(x, y), lambda _out, x, y: -x / y),
    domains=(_POSITIVE, _POSITIVE),
    kinks=Kink(
        lambda x, y: (x == 0) & (y > 0),
        "rel_entr(x, y) at x = 0",
        "-inf in x, 0 in y",
        "0 in x, 0 in y",
        "",
        (0.0, 1.0),
        (-_INF, 0.0),
    ),
)
kl_div: Op = elementwise(
    "kl_div",
    special.kl_div,
    (lambda _out, x, y: log_ratio(x, y), lambda _out, x, y: -relative_excess(x, y)),
    domains=(_POSITIVE, _POSITIVE),
    kinks=Kink(
        lambda x, y: (x == 0) & (y > 0),
        "kl_div(x, y) at x = 0",
        "-inf in x, 1 in y",
        "-1 in x, 1 in y",
        "",
        (0.0, 1.0),
        (-_INF, 1.0),
    ),
)

# -- sinc -----------------------------------------------------------------------------


def _sinc_series(order: int, u: Any) -> Any:
    """Derivative of sin(u)/u from its power series, for small u."""
    start = (order + 1) // 2
    total = np.zeros_like(u)
    for k in range(start + 14 + order, start - 1, -1):
        power = 2 * k - order
        coefficient = (-1) ** k / (2 * k + 1) / math.factorial(power)
        total = total + coefficient * u**power
    return total


def _sinc_derivative_of_order(order: int, x: Any) -> Any:
    u = math.pi * x
    small = abs(u) < 1.0 + 0.5 * order
    turns = x - 2.0 * np.rint(0.5 * x)  # exact: sin(pi x) has all its digits
    sine, cosine = np.sin(math.pi * turns), np.cos(math.pi * turns)
    wave = (sine, cosine, -sine, -cosine)
    divisor = np.where(small, 1.0, u)
    value = sine / divisor
    for n in range(1, order + 1):
        value = (wave[n % 4] - n * value) / divisor
    series = _sinc_series(order, np.where(small, u, 0.0))
    return math.pi**order * np.where(small, series, value)


def _sinc_derivative_evaluate(order: Any, x: Any) -> Any:
    """pi^n times the n-th derivative of sin(u)/u at u = pi x.

    From u S^(n) + n S^(n-1) = sin(u + n pi/2), which is stable for u > n.
    """
    shape = np.broadcast_shapes(np.shape(order), np.shape(x))
    dtype = np.result_type(np.asarray(x).dtype, np.float32)
    order = np.broadcast_to(order, shape)
    x = np.broadcast_to(np.asarray(x, np.result_type(dtype, np.float64)), shape)
    out = np.zeros(shape)
    for n in np.unique(order):
        out = np.where(order == n, _sinc_derivative_of_order(int(n), x), out)
    return out.astype(dtype)[()]


sinc_derivative: Op = elementwise(
    "sinc_derivative",
    _sinc_derivative_evaluate,
    (_ORDER, lambda _out, n, x: sinc_derivative(n + 1, x)),
    domains=(Domain(0, 4, integer=True), Domain(-3.0, 3.0)),
)
# cos(pi x)/x - sinc(x)/x has no digits left near x = 0.
sinc: Op = elementwise(
    "sinc", np.sinc, (lambda _out, x: sinc_derivative(1, x),), domains=_COMPLEX
)
