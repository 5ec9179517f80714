"""Random numbers that are functions of a key.

>>> import wengert as wg
>>> key = wg.random.key(0)
>>> first, second = wg.random.split(key)
>>> wg.random.uniform(first) == wg.random.uniform(second)
np.False_
"""

from wengert.random.discrete import categorical, choice, integers, permutation
from wengert.random.gamma import beta, gamma
from wengert.random.keys import fold_in, key, split
from wengert.random.normal import multivariate_normal, normal
from wengert.random.uniform import bernoulli, bits, uniform

__all__ = [
    "bernoulli",
    "beta",
    "bits",
    "categorical",
    "choice",
    "fold_in",
    "gamma",
    "integers",
    "key",
    "multivariate_normal",
    "normal",
    "permutation",
    "split",
    "uniform",
]
