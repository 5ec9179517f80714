"""Whether chains have mixed, and how many independent draws theirs are worth."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special
import scipy.stats

import wengert as wg
from wengert._core.source import explain
from wengert.errors import ShapeError


def effective_sample_size(x: Any) -> Any:
    """How many independent draws would know the mean as well as these do.

    The autocorrelations of all split chains together, summed up to where Geyer's
    initial monotone sequence ends. Source: Vehtari, Gelman, Simpson, Carpenter &
    Bürkner 2021, Rank-normalization, folding, and localization, section 3.2 (of the
    numbers themselves, not of their ranks).

    Args:
        x: A pytree of arrays (chains, draws, ...), at least 8 draws each.

    Returns:
        A tree like `x`, of arrays of the remaining axes; NaN where all draws are equal.

    Raises:
        ShapeError: There are no two axes, or fewer than 8 draws.

    Example:
        >>> import numpy as np, wengert as wg
        >>> x = wg.random.normal(wg.random.key(0), (4, 1000))
        >>> 3500 < wg.infer.effective_sample_size(x) < 4500
        np.True_
    """
    return wg.tree.map(lambda leaf: _size(_halves("effective_sample_size", leaf)), x)


def r_hat(x: Any) -> Any:
    """How much wider all chains together are than each: 1 when they have mixed.

    Split and rank-normalised, the larger one of the draws and of their distances from
    the median. Source: Vehtari, Gelman, Simpson, Carpenter & Bürkner 2021, section 4,
    where 1.01 is the bar.

    Args:
        x: A pytree of arrays (chains, draws, ...), at least 8 draws each.

    Returns:
        A tree like `x`, of arrays of the remaining axes; NaN where all draws are equal.

    Raises:
        ShapeError: There are no two axes, or fewer than 8 draws.

    Example:
        >>> import numpy as np, wengert as wg
        >>> x = wg.random.normal(wg.random.key(0), (4, 1000))
        >>> wg.infer.r_hat(x) < 1.01, wg.infer.r_hat(x + np.arange(4)[:, None]) > 1.5
        (np.True_, np.True_)
    """
    return wg.tree.map(lambda leaf: _reduction(_halves("r_hat", leaf)), x)


def _halves(name: str, x: Any) -> Any:
    """Every chain as two, (2 * chains, draws // 2, ...); a middle draw is left out."""
    if np.ndim(x) < 2 or np.shape(x)[0] < 1 or np.shape(x)[1] < 8:
        raise ShapeError(
            explain(
                f"{name}: an array of shape {np.shape(x)}",
                why="its first two axes are those of the chains and of the draws.",
                fix="give (chains, draws, ...) with 8 draws or more; x[None] of one "
                "chain",
            )
        )
    half = x.shape[1] // 2
    return np.concatenate([x[:, :half], x[:, x.shape[1] - half :]])


def _size(x: Any) -> Any:
    m, n = x.shape[:2]
    covariances = np.mean(_autocovariances(x), axis=0)
    within = covariances[0] * n / (n - 1)
    between = np.var(np.mean(x, axis=1), axis=0, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        whole = within * (n - 1) / n + between
        correlations = 1.0 - (within - covariances * n / (n - 1)) / whole
    correlations[0] = np.where(whole > 0, 1.0, np.nan)
    pairs = correlations[: n // 2 * 2].reshape(n // 2, 2, *x.shape[2:]).sum(axis=1)
    positive = np.logical_and.accumulate(~(pairs <= 0), axis=0)
    monotone = np.minimum.accumulate(pairs, axis=0)
    time = -1.0 + 2.0 * np.sum(np.where(positive, monotone, 0.0), axis=0)
    return m * n / np.maximum(time, 1.0 / np.log10(m * n))


def _autocovariances(x: Any) -> Any:
    """Of every chain at every lag, divided by the number of draws."""
    n = x.shape[1]
    centred = x - np.mean(x, axis=1, keepdims=True)
    spectrum = np.fft.rfft(centred, 2 * n, axis=1)
    return np.fft.irfft(np.abs(spectrum) ** 2, 2 * n, axis=1)[:, :n] / n


def _reduction(x: Any) -> Any:
    folded = np.abs(x - np.median(x, axis=(0, 1)))
    return np.maximum(_plain(_normal_scores(x)), _plain(_normal_scores(folded)))


def _normal_scores(x: Any) -> Any:
    """Every number replaced by the normal quantile of its rank (Blom 1958)."""
    flat = x.reshape(x.shape[0] * x.shape[1], *x.shape[2:])
    ranks = scipy.stats.rankdata(flat, axis=0)
    return scipy.special.ndtri((ranks - 0.375) / (len(flat) + 0.25)).reshape(x.shape)


def _plain(x: Any) -> Any:
    """R-hat of Gelman & Rubin 1992."""
    n = x.shape[1]
    within = np.mean(np.var(x, axis=1, ddof=1), axis=0)
    between = np.var(np.mean(x, axis=1), axis=0, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.sqrt((n - 1) / n + between / within)
