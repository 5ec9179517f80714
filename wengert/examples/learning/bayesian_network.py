"""A Bayesian network whose marginals are derivatives.

The lungs of Lauritzen & Spiegelhalter 1988: eight yes-or-no variables. The evidence is
a polynomial of indicators, one for each value of each variable, and the marginals given
the evidence are the derivatives of its logarithm (Darwiche 2003, A differential
approach to inference in Bayesian networks). Then one of the probabilities is unknown:
its posterior, given patients whose disease nobody saw, by Hamiltonian Monte Carlo and
by a Gaussian of its logit, beside numerical integration.
"""

from __future__ import annotations

import functools
import itertools
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import wengert as wg
from wengert.examples.study import BLUE, GREEN, GREY, ORANGE, Row, Study, axes_of, label

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAMES = (
    "asia",
    "tuberculosis",
    "smoker",
    "cancer",
    "bronchitis",
    "either",
    "x-ray",
    "dyspnoea",
)
SMOKER, CANCER, XRAY, DYSPNOEA = (
    NAMES.index(n) for n in ("smoker", "cancer", "x-ray", "dyspnoea")
)
SMOKERS_RISK = 0.1  # of cancer; what is unknown later
PATIENTS = 2000


def _either(yes: Any) -> Any:
    """Probabilities of no and yes, along a last axis."""
    return np.stack([1.0 - np.asarray(yes), np.asarray(yes)], axis=-1)


ASIA = _either(0.01)
TUBERCULOSIS = _either([0.01, 0.05])  # given asia
SMOKING = _either(0.5)
BRONCHITIS = _either([0.3, 0.6])  # given smoker
EITHER = _either([[0.0, 1.0], [1.0, 1.0]])  # given tuberculosis, cancer
POSITIVE = _either([0.05, 0.98])  # given either
BREATHLESS = _either([[0.1, 0.8], [0.7, 0.9]])  # given either, bronchitis


def cancers(risk: Any) -> Any:
    """The table of cancer given smoker, (2, 2), for the risk of a smoker."""
    return (
        np.array([[0.99, 0.01], [0.0, 0.0]])
        + np.array([[0.0, 0.0], [1.0, 0.0]])
        + risk * np.array([[0.0, 0.0], [-1.0, 1.0]])
    )


def log_evidence(indicators: Any, risk: Any) -> Any:
    """The logarithm of the network polynomial, variable after variable summed out.

    indicators: (8, 2), 0 for the values that the evidence excludes.
    """
    asia, tuberculosis, smoker, cancer, bronchitis, either, xray, dyspnoea = indicators
    t = ((asia * ASIA) @ TUBERCULOSIS) * tuberculosis
    by_smoker = (smoker * SMOKING)[:, None] * cancers(risk)
    both = (by_smoker.T @ BRONCHITIS) * cancer[:, None] * bronchitis
    given_cancer = np.sum(t[:, None, None] * EITHER, axis=0)
    joint = given_cancer.T @ both
    seen = (either * (POSITIVE @ xray))[:, None] * (BREATHLESS @ dyspnoea)
    return np.log(np.sum(joint * seen))


def marginals(indicators: Any, risk: Any) -> Any:
    """The probabilities (8, 2) of all values, given the evidence."""
    return indicators * wg.grad(log_evidence)(indicators, risk)


def enumerated(indicators: np.ndarray, risk: float) -> np.ndarray:
    """The same by summing over all 256 states."""
    found, table = np.zeros((8, 2)), cancers(risk)
    for state in itertools.product((0, 1), repeat=8):
        a, t, s, c, b, e, x, d = state
        chance = ASIA[a] * TUBERCULOSIS[a, t] * SMOKING[s] * table[s, c]
        chance *= BRONCHITIS[s, b] * EITHER[t, c, e] * POSITIVE[e, x]
        chance *= BREATHLESS[e, b, d] * np.prod(indicators[np.arange(8), state])
        found[np.arange(8), state] += chance
    return found / found[0].sum()


def evidence(**values: int) -> np.ndarray:
    """Indicators for what is known: ``evidence(smoker=1, dyspnoea=0)``."""
    found = np.ones((8, 2))
    for name, value in values.items():
        found[NAMES.index(name), 1 - value] = 0.0
    return found


# -- an unknown probability ----------------------------------------------------------


class Patients(NamedTuple):
    """What is seen of patients, and how many have it."""

    seen: np.ndarray  # (8, 8, 2)
    counts: np.ndarray  # (8,)


@functools.cache
def patients() -> Patients:
    """Smoking, X-ray and dyspnoea of patients, drawn from the network."""
    seen = np.ones((8, 8, 2))
    for k, values in enumerate(itertools.product((0, 1), repeat=3)):
        for i, value in zip((SMOKER, XRAY, DYSPNOEA), values, strict=True):
            seen[k, i, 1 - value] = 0.0
    chances = [np.exp(log_evidence(each, SMOKERS_RISK)) for each in seen]
    draws = wg.random.categorical(wg.random.key(0), np.log(chances), (PATIENTS,))
    return Patients(seen, np.bincount(draws, minlength=8).astype(float))


def log_posterior(logit: Any, data: Patients) -> Any:
    """Of the logit of a smoker's risk, whose prior is uniform, up to a constant."""
    risk = 1.0 / (1.0 + np.exp(-logit))
    each = wg.vmap(log_evidence, in_axes=(0, None))(data.seen, risk)
    return np.sum(data.counts * each) + np.log(risk) + np.log1p(-risk)


def exact(data: Patients) -> tuple[np.ndarray, np.ndarray]:
    """Midpoints of the risk and the density of its posterior there."""
    risks = (np.arange(4000) + 0.5) / 4000
    logits = np.log(risks) - np.log1p(-risks)
    logs = wg.jit(wg.vmap(log_posterior, in_axes=(0, None)))(logits, data)
    logs = logs - np.log(risks * (1.0 - risks))  # from the logit to the risk
    density = np.exp(logs - logs.max())
    return risks, density / density.mean()


def _risks(logits: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-logits))


def study(draws: int = 2000) -> Study:
    """Marginals given some evidence, and the posterior of a smoker's risk."""
    known = evidence(asia=1, dyspnoea=1)
    found = marginals(known, SMOKERS_RISK)
    apart = np.max(np.abs(found - enumerated(known, SMOKERS_RISK)))
    data = patients()
    risks, density = exact(data)
    mean = float(np.mean(risks * density))
    std = float(np.sqrt(np.mean((risks - mean) ** 2 * density)))
    chains = wg.infer.hmc(
        log_posterior,
        np.array([-4.0, -3.0, -2.0, -1.0]),
        wg.random.key(1),
        args=(data,),
        draws=draws,
    )
    near = wg.infer.advi(
        log_posterior, np.float64(-2.0), wg.random.key(2), args=(data,)
    )
    sampled, approximate = _risks(chains.x), _risks(near.draw(wg.random.key(3), 20_000))
    size = float(wg.infer.effective_sample_size(sampled))
    error, by = std / np.sqrt(size), "numerical integration"
    rows = (
        Row("marginals, largest difference", float(apart), 0.0, 1e-12, "enumeration"),
        Row("risk by HMC: mean", float(sampled.mean()), mean, 4 * error, by),
        Row("risk by HMC: deviation", float(sampled.std()), std, 4 * error, by),
        Row("risk by ADVI: mean", float(approximate.mean()), mean, 0.1 * std, by),
        Row("risk by ADVI: deviation", float(approximate.std()), std, 0.1 * std, by),
        Row("R-hat", float(wg.infer.r_hat(sampled)), 1.0, 0.01, "Vehtari et al. 2021"),
        Row(
            "draws per effective draw", 4 * draws / size, 1.0, 4.0, "independent draws"
        ),
    )
    return Study(
        rows, functools.partial(_draw, found, risks, density, sampled, approximate)
    )


def _draw(
    found: np.ndarray,
    risks: np.ndarray,
    density: np.ndarray,
    sampled: np.ndarray,
    approximate: np.ndarray,
    figure: Figure,
) -> None:
    chances, posterior = axes_of(figure, 1, 2)[0]
    before = marginals(np.ones((8, 2)), SMOKERS_RISK)
    places = np.arange(8)
    chances.barh(places - 0.2, before[:, 1], 0.38, color=GREY, label="before")
    chances.barh(
        places + 0.2, found[:, 1], 0.38, color=BLUE, label="given asia and dyspnoea"
    )
    chances.set_yticks(places, NAMES)
    chances.set_ylim(-0.6, 9.6)  # room for the legend
    shown = density > 1e-4 * density.max()
    posterior.hist(
        sampled.ravel(), 60, density=True, color=BLUE, alpha=0.4, label="HMC"
    )
    posterior.hist(
        approximate, 60, density=True, histtype="step", color=ORANGE, label="ADVI"
    )
    posterior.plot(risks[shown], density[shown], color=GREEN, label="exact")
    label(chances, "probability", "")
    label(posterior, "a smoker's risk of cancer", "posterior density")
