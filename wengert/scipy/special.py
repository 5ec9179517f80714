"""``scipy.special``, differentiable: the names that are covered.

Outside a transformation they are SciPy's functions. SciPy's own ufuncs, called with
traced values, arrive here.
"""

from __future__ import annotations

from typing import Any

from wengert._core.op import OPS
from wengert.numpy._ufunc import apply
from wengert.numpy.elementwise import SPECIAL
from wengert.numpy.functions import softplus

__all__ = [
    "digamma",
    "entr",
    "erf",
    "erfc",
    "erfinv",
    "expit",
    "gamma",
    "gammaln",
    "kl_div",
    "log_expit",
    "log_ndtr",
    "log_softmax",
    "loggamma",
    "logit",
    "logsumexp",
    "ndtr",
    "ndtri",
    "polygamma",
    "psi",
    "rel_entr",
    "softmax",
    "softplus",
    "xlog1py",
    "xlogy",
]


digamma = psi = SPECIAL["psi"]
entr = SPECIAL["entr"]
erf = SPECIAL["erf"]
erfc = SPECIAL["erfc"]
erfinv = SPECIAL["erfinv"]
expit = SPECIAL["expit"]
gamma = SPECIAL["gamma"]
gammaln = SPECIAL["gammaln"]
kl_div = SPECIAL["kl_div"]
log_expit = SPECIAL["log_expit"]
log_ndtr = SPECIAL["log_ndtr"]
loggamma = SPECIAL["loggamma"]
logit = SPECIAL["logit"]
ndtr = SPECIAL["ndtr"]
ndtri = SPECIAL["ndtri"]
rel_entr = SPECIAL["rel_entr"]
xlog1py = SPECIAL["xlog1py"]
xlogy = SPECIAL["xlogy"]


def polygamma(n: Any, x: Any) -> Any:
    """``scipy.special.polygamma``: the n-th derivative of `digamma`; of real x.

    Example:
        >>> import wengert as wg
        >>> from wengert.scipy.special import digamma, polygamma
        >>> bool(wg.grad(digamma)(2.0) == polygamma(1, 2.0))
        True
    """
    return apply(OPS["polygamma"], n, x)


def logsumexp(a: Any, axis: Any = None, b: Any = None, keepdims: bool = False) -> Any:
    """``scipy.special.logsumexp``, with positive weights `b`.

    Example:
        >>> from wengert.scipy.special import logsumexp
        >>> f"{logsumexp([1000.0, 1000.0]):.6f}"
        '1000.693147'
    """
    import wengert.numpy as wnp

    weighted = a if b is None else apply(OPS["add"], a, apply(OPS["log"], b))
    return wnp.logsumexp(weighted, axis=axis, keepdims=keepdims)


def softmax(x: Any, axis: Any = None) -> Any:
    """``scipy.special.softmax``; over all axes where `axis` is None, as in SciPy.

    Example:
        >>> from wengert.scipy.special import softmax
        >>> softmax([0.0, 0.0])
        array([0.5, 0.5])
    """
    import wengert.numpy as wnp

    return wnp.softmax(x, axis=axis)


def log_softmax(x: Any, axis: Any = None) -> Any:
    """``scipy.special.log_softmax``; over all axes where `axis` is None."""
    import wengert.numpy as wnp

    return apply(OPS["subtract"], x, wnp.logsumexp(x, axis=axis, keepdims=True))
