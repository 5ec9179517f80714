"""Non-linear regression problems of NIST's Statistical Reference Datasets.

The certified values are those of https://www.itl.nist.gov/div898/strd/nls/nls_main.shtml.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np


class Certified(NamedTuple):
    """A model with its data, two starts, and the certified results."""

    model: Callable
    x: np.ndarray
    y: np.ndarray
    starts: tuple[list[float], list[float]]
    parameters: np.ndarray
    deviations: np.ndarray
    squares: float

    def residuals(self, b):
        return self.model(self.x, *b) - self.y


def _numbers(text):
    return np.array(text.split(), float)


def misra1a(x, b1, b2):
    return b1 * (1.0 - np.exp(-b2 * x))


def mgh09(x, b1, b2, b3, b4):
    return b1 * (x**2 + x * b2) / (x**2 + x * b3 + b4)


def rat42(x, b1, b2, b3):
    return b1 / (1.0 + np.exp(b2 - b3 * x))


NIST = {
    "misra1a": Certified(
        misra1a,
        _numbers(
            "77.6 114.9 141.1 190.8 239.9 289.0 332.8 378.4 434.8 477.3 536.8 593.1 "
            "689.1 760.0"
        ),
        _numbers(
            "10.07 14.73 17.94 23.93 29.61 35.18 40.02 44.82 50.76 55.05 61.01 66.40 "
            "75.47 81.78"
        ),
        ([500.0, 0.0001], [250.0, 0.0005]),
        _numbers("2.3894212918E+02 5.5015643181E-04"),
        _numbers("2.7070075241E+00 7.2668688436E-06"),
        1.2455138894e-01,
    ),
    "mgh09": Certified(
        mgh09,
        _numbers("4 2 1 0.5 0.25 0.167 0.125 0.1 0.0833 0.0714 0.0625"),
        _numbers(
            "0.1957 0.1947 0.1735 0.16 0.0844 0.0627 0.0456 0.0342 0.0323 0.0235 0.0246"
        ),
        ([25.0, 39.0, 41.5, 39.0], [0.25, 0.39, 0.415, 0.39]),
        _numbers("1.9280693458E-01 1.9128232873E-01 1.2305650693E-01 1.3606233068E-01"),
        _numbers("1.1435312227E-02 1.9633220911E-01 8.0842031232E-02 9.0025542308E-02"),
        3.0750560385e-04,
    ),
    "rat42": Certified(
        rat42,
        _numbers("9 14 21 28 42 57 63 70 79"),
        _numbers("8.93 10.8 18.59 22.33 39.35 56.11 61.73 64.62 67.08"),
        ([100.0, 1.0, 0.1], [75.0, 2.5, 0.07]),
        _numbers("7.2462237576E+01 2.6180768402E+00 6.7359200066E-02"),
        _numbers("1.7340283401E+00 8.8295217536E-02 3.4465663377E-03"),
        8.0565229338e00,
    ),
}
