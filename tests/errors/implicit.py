"""Errors of functions that are given by an equation."""

from __future__ import annotations

import numpy as np
import scipy.sparse

import wengert as wg
from tests.errors.case import case, program
from wengert import implicit
from wengert.errors import (
    ArgumentError,
    ConvergenceError,
    DTypeError,
    ShapeError,
    SingularJacobianError,
)

EYE = scipy.sparse.eye_array(2, format="csr")
ONES = np.ones(2)

CASES = [
    program(
        lambda: wg.missing,
        AttributeError,
        "module 'wengert' has no attribute 'missing'",
    ),
    case(
        lambda: implicit.root(lambda x: x, 1.0, not_converged="ignore"),
        ArgumentError,
        "root: not_converged='ignore'",
        "use one of 'raise', 'warn', 'unroll'",
    ),
    case(
        lambda: implicit.root(lambda x: x * x + 1.0, 0.5),
        ConvergenceError,
        "root: no solution found in",
        "there may be no solution near x0",
    ),
    case(
        lambda: implicit.root(lambda x: x, 1j),
        DTypeError,
        "root: expected unknowns that are real numbers, got complex",
        "its real and imaginary parts",
    ),
    case(
        lambda: implicit.root(lambda x: x[:1], ONES),
        ShapeError,
        "root: 1 equations for 2 unknowns",
    ),
    case(
        lambda: implicit.root(lambda x: x * x - 1.0, 0.0),
        SingularJacobianError,
        "root: the Jacobian is singular at a step towards the solution",
        "start at another x0",
    ),
    case(
        lambda: wg.grad(
            lambda a: implicit.custom_root(lambda x, a: x**0.5 - a)(lambda a: 0.0 * a)(
                a
            )
        )(0.0),
        SingularJacobianError,
        "the Jacobian of the equations is not finite at the solution",
    ),
    case(
        lambda: wg.grad(lambda a: implicit.root(lambda x: (x - a) ** 3, 1.0))(2.0),
        SingularJacobianError,
        "root: the Jacobian of the equations is singular at the solution: a Newton",
        "it is a double one",
    ),
    case(
        lambda: implicit.linear_solve(np.ones((2, 2)), ONES),
        SingularJacobianError,
        "linear_solve: the Jacobian of the equations is singular at the solution",
        "single the solution out",
    ),
    case(
        lambda: implicit.linear_solve(np.ones((2, 3)), ONES),
        ShapeError,
        "linear_solve: expected a square matrix, got shape (2, 3)",
    ),
    case(
        lambda: implicit.linear_solve(np.eye(2), ONES, data=ONES),
        ArgumentError,
        "linear_solve: data= is given, and the matrix is not sparse",
    ),
    case(
        lambda: implicit.linear_solve(EYE.todia(), ONES, data=ONES),
        ArgumentError,
        "linear_solve: data= for a sparse matrix of format 'dia'",
        "a.tocsr()",
    ),
    case(
        lambda: implicit.linear_solve(EYE, np.ones(3)),
        ShapeError,
        "linear_solve: a sparse matrix of shape (2, 2), 2 places",
    ),
    case(
        lambda: implicit.linear_solve(EYE, ONES, data=np.array([1.0, 0.0])),
        SingularJacobianError,
        "linear_solve: the sparse matrix is singular",
    ),
    case(
        lambda: implicit.argmin(
            lambda x: x @ x, ONES, equality=lambda x: np.stack([x[0], 2.0 * x[0]])
        ),
        SingularJacobianError,
        "argmin: the quadratic model has no minimum at a step",
        "leave such equations out",
    ),
    case(
        lambda: implicit.argmin(
            lambda x: x @ x, ONES, bounds=(0.0, 1.0), equality=lambda x: sum(x) - 9.0
        ),
        SingularJacobianError,
        "argmin: the quadratic model has no minimum at a step",
        "cannot be met within bounds=",
    ),
]
