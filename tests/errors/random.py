"""Errors of random numbers: keys, shapes and parameters that say nothing."""

from __future__ import annotations

import numpy as np

import wengert as wg
from tests.errors.case import Case, case
from wengert.errors import (
    ArgumentError,
    CheckpointError,
    DTypeError,
    ShapeError,
    StagedValueError,
)

KEY = wg.random.key(0)

KEYS: list[Case] = [
    case(
        lambda: wg.random.key(-1),
        ArgumentError,
        "key: seed is out of range",
        "from 0 to 2**64 - 1",
    ),
    case(lambda: wg.random.key(2**64), ArgumentError, "key: seed is out of range"),
    case(lambda: wg.jit(wg.random.key)(-1), ArgumentError, "key: seed is out of range"),
    case(lambda: wg.random.key(True), ArgumentError, "key: seed is a bool"),
    case(lambda: wg.random.key("seed"), ArgumentError, "key: seed is a str"),
    case(
        lambda: wg.random.fold_in(KEY, 0.5),
        ArgumentError,
        "fold_in: data is a float",
    ),
    case(lambda: wg.random.split(KEY, -2), ArgumentError, "split: n is out of range"),
    case(
        lambda: wg.random.normal(0),
        ArgumentError,
        "normal: expected a key, got a int",
        "wg.random.key(0)",
    ),
    case(
        lambda: wg.jit(wg.random.uniform)(np.zeros(2)),
        ArgumentError,
        "uniform: expected a key, got an array of float64 of shape (2,)",
    ),
    case(
        lambda: wg.random.bits(wg.random.split(KEY, 3)),
        ArgumentError,
        "bits: expected a key, got an array of uint32 of shape (3, 2)",
        "keys[i], or use wg.vmap",
    ),
]

DRAWS: list[Case] = [
    case(
        lambda: wg.random.normal(KEY, (3, 2.5)),
        ShapeError,
        "normal: a float in shape",
    ),
    case(
        lambda: wg.random.normal(KEY, -1),
        ShapeError,
        "normal: a negative length in shape",
    ),
    case(
        lambda: wg.random.uniform(KEY, dtype=np.int64),
        DTypeError,
        "uniform: dtype=int64",
        "convert with astype",
    ),
    case(
        lambda: wg.random.uniform(KEY, (2,), high=np.ones(3)),
        ShapeError,
        "uniform: shape=(2,), and low and high broadcast to (3,)",
        "ask for shape=(3,)",
    ),
    case(
        lambda: wg.random.uniform(KEY, low=2.0),
        ArgumentError,
        "uniform: high is less than low",
    ),
    case(
        lambda: wg.jit(lambda low: wg.random.uniform(KEY, low=low))(2.0),
        ArgumentError,
        "uniform: high is less than low",
    ),
    case(
        lambda: wg.random.bernoulli(KEY, np.array([0.5, 1.5])),
        ArgumentError,
        "bernoulli: p is not between 0 and 1",
    ),
    case(
        lambda: wg.random.bernoulli(KEY, np.nan),
        ArgumentError,
        "bernoulli: p is not between 0 and 1",
    ),
    case(
        lambda: wg.random.bits(KEY, dtype=np.int8),
        DTypeError,
        "bits: dtype=int8",
        "np.uint32 or np.uint64",
    ),
    case(
        lambda: wg.random.integers(KEY, 3, 3),
        ArgumentError,
        "integers: high is not larger than low",
    ),
    case(
        lambda: wg.random.integers(KEY, 0, 2.5),
        DTypeError,
        "integers: high is a float",
    ),
    case(
        lambda: wg.random.integers(KEY, 0, 2, dtype=np.float32),
        DTypeError,
        "integers: dtype=float32",
    ),
    case(
        lambda: wg.random.permutation(KEY, np.zeros((2, 2)), axis=2),
        ShapeError,
        "permutation: axis=2 of an array of float64 of shape (2, 2)",
    ),
    case(
        lambda: wg.random.permutation(KEY, 2.5),
        ArgumentError,
        "permutation: expected an array or an integer, got a float",
    ),
    case(
        lambda: wg.random.permutation(KEY, -1),
        ArgumentError,
        "permutation: a negative number of integers",
    ),
]

P = np.array([0.5, 0.5, 0.0])

CHOICES: list[Case] = [
    case(
        lambda: wg.random.categorical(KEY, 0.0),
        ShapeError,
        "categorical: logits are a float",
        "the last axis is that of the categories",
    ),
    case(
        lambda: wg.random.categorical(KEY, np.full(3, -np.inf)),
        ArgumentError,
        "categorical: the largest logit is not finite",
    ),
    case(
        lambda: wg.random.categorical(KEY, np.zeros((4, 3)), (2,)),
        ShapeError,
        "categorical: shape=(2,), and logits broadcast to (4,)",
    ),
    case(
        lambda: wg.random.choice(KEY, np.zeros((0, 2))),
        ArgumentError,
        "choice: there is nothing to choose from",
    ),
    case(
        lambda: wg.random.choice(KEY, 3, (4,), replace=False),
        ArgumentError,
        "choice: more is to be chosen than there is",
        "replace=True",
    ),
    case(
        lambda: wg.random.choice(KEY, 4, p=P),
        ShapeError,
        "choice: p is an array of float64 of shape (3,), and there are 4 slices",
    ),
    case(
        lambda: wg.random.choice(KEY, 3, p=2 * P),
        ArgumentError,
        "choice: p is not a list of probabilities whose sum is 1",
        "p / np.sum(p)",
    ),
    case(
        lambda: wg.jit(lambda p: wg.random.choice(KEY, 3, p=p))(-P),
        ArgumentError,
        "choice: p is not a list of probabilities whose sum is 1",
    ),
    case(
        lambda: wg.random.choice(KEY, 3, (3,), replace=False, p=P),
        ArgumentError,
        "choice: fewer slices are possible than are to be chosen",
    ),
]

PARAMETERS: list[Case] = [
    case(
        lambda: wg.random.gamma(KEY, np.array([1.0, 0.0])),
        ArgumentError,
        "gamma: a is not positive",
    ),
    case(
        lambda: wg.random.beta(KEY, 1.0, -2.0),
        ArgumentError,
        "beta: b is not positive",
    ),
    case(
        lambda: wg.random.multivariate_normal(KEY, np.zeros(2), np.eye(3)),
        ShapeError,
        "multivariate_normal: mean is an array of float64 of shape (2,), cov an array",
        "a matrix of shape (n, n)",
    ),
]

NUMPYS: list[Case] = [
    case(
        lambda: wg.grad(wg.checkpoint(lambda x: x * np.random.normal()))(1.0),
        CheckpointError,
        "RandomState.normal is called in a checkpointed function",
        "draw with wg.random, from a key that is an argument",
    ),
    case(
        lambda: wg.jit(lambda x: x * np.random.sample())(1.0),
        StagedValueError,
        "numpy.random.sample is called while compiling",
        "draw with wg.random, from a key that is an argument",
    ),
]

CASES = [*KEYS, *DRAWS, *CHOICES, *PARAMETERS, *NUMPYS]
