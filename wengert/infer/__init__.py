"""Inference: posteriors by Hamiltonian Monte Carlo and by variational approximation."""

from wengert.infer.advi import Approximation, advi
from wengert.infer.diagnostics import effective_sample_size, r_hat
from wengert.infer.hmc import Samples, hmc

__all__ = [
    "Approximation",
    "Samples",
    "advi",
    "effective_sample_size",
    "hmc",
    "r_hat",
]
