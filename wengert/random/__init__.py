"""Random numbers that are functions of a key.

>>> import wengert as wg
>>> key = wg.random.key(0)
>>> first, second = wg.random.split(key)
>>> wg.random.uniform(first) == wg.random.uniform(second)
np.False_
"""

from wengert.random.discrete import integers, permutation
from wengert.random.keys import fold_in, key, split
from wengert.random.normal import normal
from wengert.random.uniform import bernoulli, bits, uniform

__all__ = [
    "bernoulli",
    "bits",
    "fold_in",
    "integers",
    "key",
    "normal",
    "permutation",
    "split",
    "uniform",
]
