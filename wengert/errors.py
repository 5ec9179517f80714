"""Every exception that Wengert raises on purpose.

Each derives from `WengertError` and from the builtin that a NumPy user would catch.
A message says what happened, where in the user's file, why, and a fix that works.
"""

from __future__ import annotations

import numpy as np


class WengertError(Exception):
    """Base of all errors raised on purpose by Wengert."""


class ShapeError(WengertError, ValueError):
    """Shapes do not fit an operation.

    >>> import numpy as np, wengert.numpy as wnp
    >>> wnp.conv(np.ones((1, 1, 4)), np.ones((1, 2, 3)))
    Traceback (most recent call last):
        ...
    wengert.errors.ShapeError: conv: ...

    Give both arrays the same number of channels:

    >>> wnp.conv(np.ones((1, 2, 4)), np.ones((1, 2, 3))).shape
    (1, 1, 2)
    """


class AxisError(WengertError, np.exceptions.AxisError):
    """An array has no such axis.

    >>> import wengert as wg, wengert.numpy as wnp
    >>> wg.grad(lambda x: wnp.sum(x, axis=2))(wnp.ones((2, 3)))
    Traceback (most recent call last):
        ...
    wengert.errors.AxisError: axis 2 is out of bounds for array of dimension 2...

    Count the axes from 0:

    >>> wg.grad(lambda x: wnp.sum(x, axis=1)[0])(wnp.ones((2, 3)))
    array([[1., 1., 1.],
           [0., 0., 0.]])
    """


class IndexingError(WengertError, IndexError):
    """An index is of a type that arrays are not indexed with.

    >>> import wengert as wg, wengert.numpy as wnp
    >>> wg.grad(lambda x: x[1.0])(wnp.ones(2))
    Traceback (most recent call last):
        ...
    wengert.errors.IndexingError: only integers, slices ...

    Index with integers:

    >>> wg.grad(lambda x: x[1])(wnp.ones(2))
    array([0., 1.])
    """


class DTypeError(WengertError, TypeError):
    """A value has a dtype that cannot be differentiated or combined.

    >>> import wengert as wg
    >>> wg.grad(lambda n: n * 2.0)(3)
    Traceback (most recent call last):
        ...
    wengert.errors.DTypeError: grad: ...

    Pass a float:

    >>> float(wg.grad(lambda n: n * 2.0)(3.0))
    2.0
    """


class ArgumentError(WengertError, ValueError):
    """An argument of a public function has a value it cannot take.

    >>> import wengert as wg
    >>> wg.grad(lambda x: x * x, argnums=1)(2.0)
    Traceback (most recent call last):
        ...
    wengert.errors.ArgumentError: grad: ...
    """


class TreeError(WengertError, ValueError):
    """Two pytrees that must have one structure differ.

    >>> import wengert as wg
    >>> wg.jvp(lambda x: x[0] * x[1], ((1.0, 2.0),), ((1.0,),))
    Traceback (most recent call last):
        ...
    wengert.errors.TreeError: jvp: ...
    """


class DependenceError(WengertError, TypeError):
    """A conversion would silently cut a value's dependence on an input.

    >>> import math
    >>> import wengert as wg
    >>> wg.grad(lambda x: x * math.ulp(x))(1.0)
    Traceback (most recent call last):
        ...
    wengert.errors.DependenceError: float(): ...

    Say so where a constant is meant:

    >>> wg.grad(lambda x: x * math.ulp(wg.stop_gradient(x)))(1.0)
    np.float64(2.220446049250313e-16)
    """


class LeakedValueError(WengertError, RuntimeError):
    """A traced value is used after its transformation ended, or in another thread.

    >>> import wengert as wg
    >>> kept = []
    >>> _ = wg.grad(lambda x: kept.append(x) or x * x)(3.0)
    >>> kept[0] + 1.0
    Traceback (most recent call last):
        ...
    wengert.errors.LeakedValueError: ...

    Return what you need through ``has_aux``:

    >>> wg.grad(lambda x: (x * x, x), has_aux=True)(3.0)
    (np.float64(6.0), np.float64(3.0))
    """


class MutationError(WengertError, RuntimeError):
    """A write into an array that the running transformation must not change.

    >>> import wengert as wg, wengert.numpy as wnp
    >>> def f(x):
    ...     y = 1.0 * x
    ...     def g(s):
    ...         y[0] = s
    ...         return s
    ...     return wg.grad(g)(x[0])
    >>> wg.grad(f)(wnp.ones(2))
    Traceback (most recent call last):
        ...
    wengert.errors.MutationError: write into an array ...

    Write into a copy that the inner function makes:

    >>> def f(x):
    ...     def g(s):
    ...         y = 1.0 * x
    ...         y[0] = s * s
    ...         return y.sum()
    ...     return wg.grad(g)(x[0])
    >>> wg.grad(f)(wnp.ones(2))
    array([2., 0.])
    """


class LanesDisagreeError(WengertError, ValueError):
    """`bool` or `int` of a batched value whose lanes differ.

    >>> import numpy as np, wengert as wg, wengert.numpy as wnp
    >>> wg.vmap(lambda x: x if x > 0 else -x)(np.array([1.0, -1.0]))
    Traceback (most recent call last):
        ...
    wengert.errors.LanesDisagreeError: bool(): ...

    Select instead of branching:

    >>> wg.vmap(lambda x: wnp.where(x > 0, x, -x))(np.array([1.0, -1.0]))
    array([1., 1.])
    """


class MissingRuleError(WengertError, NotImplementedError):
    """An operation has no rule for the transformation that reached it.

    >>> import numpy as np, wengert as wg
    >>> wg.grad(lambda x: np.unwrap(x)[1])(np.ones(2))
    Traceback (most recent call last):
        ...
    wengert.errors.MissingRuleError: numpy.unwrap: there is no derivative rule for it...

    Write it with functions that have one:

    >>> wg.grad(lambda x: (x + 2.0 * np.pi * np.round(x))[1])(np.ones(2))
    array([0., 1.])
    """


class OpDefinitionError(WengertError, ValueError):
    """A row of the op table is incomplete, malformed or registered twice.

    >>> import numpy as np
    >>> from wengert._ops.families import elementwise
    >>> elementwise("sin", np.sin, (lambda _out, x: np.cos(x),))
    Traceback (most recent call last):
        ...
    wengert.errors.OpDefinitionError: op sin is already in the table...
    """


class CustomRuleError(WengertError, ValueError):
    """A user's derivative rule is missing or returns values of the wrong type.

    >>> import wengert as wg
    >>> double = wg.custom_vjp(lambda x: 2.0 * x)
    >>> double.defvjp(lambda x: (2.0 * x, None), lambda _, ct: 2.0 * ct)
    >>> wg.grad(double)(1.0)
    Traceback (most recent call last):
        ...
    wengert.errors.CustomRuleError: ...bwd returned ...

    Return a tuple with a cotangent per argument:

    >>> double.defvjp(lambda x: (2.0 * x, None), lambda _, ct: (2.0 * ct,))
    >>> float(wg.grad(double)(1.0))
    2.0
    """


class CheckpointError(WengertError, ValueError):
    """A checkpointing schedule cannot be met.

    >>> import wengert as wg
    >>> wg.fori_loop(0, 3, lambda i, x: 2.0 * x, 1.0, checkpoints="few")
    Traceback (most recent call last):
        ...
    wengert.errors.CheckpointError: checkpoints='few' is not a schedule...

    Give one of those that the message lists:

    >>> float(wg.fori_loop(0, 3, lambda i, x: 2.0 * x, 1.0, checkpoints=2))
    8.0
    """


class GradientCheckError(WengertError, AssertionError):
    """`check_grads` found two derivatives that should agree and do not.

    >>> import wengert as wg, wengert.numpy as wnp
    >>> sine = wg.custom_jvp(wnp.sin)
    >>> rule = sine.defjvp(lambda primals, tangents: (sine(*primals), tangents[0]))
    >>> wg.check_grads(sine, (1.0,))
    Traceback (most recent call last):
        ...
    wengert.errors.GradientCheckError: check_grads: ...

    Correct the rule:

    >>> rule = sine.defjvp(
    ...     lambda primals, tangents: (sine(*primals), wnp.cos(*primals) * tangents[0])
    ... )
    >>> wg.check_grads(sine, (1.0,))
    """


class ConvergenceError(WengertError, RuntimeError):
    """An iteration has not come to its end: a root, a minimum or an integral.

    >>> import wengert as wg
    >>> wg.implicit.root(lambda x: x * x + 1.0, 0.5)
    Traceback (most recent call last):
        ...
    wengert.errors.ConvergenceError: root: ...

    Give it an equation that has a solution:

    >>> wg.implicit.root(lambda x: x * x - 4.0, 1.0)
    np.float64(2.0)
    """


class ConvergenceWarning(UserWarning):
    """As `ConvergenceError`, where a warning was asked for.

    >>> import warnings
    >>> import numpy as np, wengert as wg
    >>> with warnings.catch_warnings(record=True) as found:
    ...     warnings.simplefilter("always")
    ...     x = wg.implicit.root(np.cos, 0.5, maxiter=1, not_converged="warn")
    >>> found[0].category.__name__
    'ConvergenceWarning'
    """


class SingularJacobianError(WengertError, np.linalg.LinAlgError):
    """The equation that defines a value does not say how the value changes.

    >>> import wengert as wg
    >>> wg.grad(lambda a: wg.implicit.root(lambda x: (x - a) ** 3, 1.0))(2.0)
    Traceback (most recent call last):
        ...
    wengert.errors.SingularJacobianError: root: ...

    Give it another equation with this solution:

    >>> wg.grad(lambda a: wg.implicit.root(lambda x: x - a, 1.0))(2.0)
    np.float64(1.0)
    """


class NonFiniteError(WengertError, FloatingPointError):
    """`debug_nans` met the first NaN or infinity.

    >>> import wengert as wg, wengert.numpy as wnp
    >>> with wg.debug_nans():
    ...     wg.grad(lambda x: wnp.sqrt(x))(0.0)
    Traceback (most recent call last):
        ...
    wengert.errors.NonFiniteError: ...
    """

    def __init__(self, value: str, op: str, site: object, role: str = "primal") -> None:
        self.value, self.op, self.site, self.role = value, op, site, role
        super().__init__(
            f"{op}: the first non-finite value ({value}) is in its {role}\n"
            f"  at {site}\n"
            "  Fix: keep the operands away from where the function or its derivative "
            "is infinite, for example by np.where on the operand, not only on the "
            "result"
        )

    def relabel(self, role: str, op: str, site: object = None) -> NonFiniteError:
        """The same error, met while the derivative of `op` was computed."""
        if self.role != "primal":
            return self
        return NonFiniteError(self.value, op, site or self.site, role)


class DataError(WengertError, ValueError):
    """Data are not what they are said to be: a cell, a number, a file's length.

    >>> import numpy as np, wengert as wg
    >>> x = np.array([[1.0, 2.0], [np.nan, 4.0]])
    >>> wg.data.check_finite({"x": x})
    Traceback (most recent call last):
        ...
    wengert.errors.DataError: data['x'][1, 0] is nan...

    Leave the row out:

    >>> wg.data.check_finite({"x": x[np.isfinite(x).all(axis=1)]})
    """


class SymbolicError(WengertError, ValueError):
    """`explain.symbolic` cannot give a closed form of this function.

    >>> import wengert as wg, wengert.numpy as np
    >>> wg.explain.symbolic(lambda x: x if x > 0 else -x)
    Traceback (most recent call last):
        ...
    wengert.errors.SymbolicError: symbolic: the program needs the value of x > 0 ...

    Write the choice as a formula:

    >>> wg.explain.symbolic(lambda x: np.where(x > 0, x, -x)).expression
    Piecewise((x, x > 0), (-x, True))
    """


class TrainingError(WengertError, FloatingPointError):
    """Training came to a loss that is not finite.

    >>> import numpy as np, wengert as wg
    >>> def loss(params, state, batch, training):
    ...     return np.mean((batch @ params) ** 2), state
    >>> batches = [np.ones((4, 2)), np.array([[1.0, np.nan]])]
    >>> wg.train.fit(loss, np.ones(2), batches, wg.optim.sgd(0.1))
    Traceback (most recent call last):
        ...
    wengert.errors.TrainingError: fit: the loss is nan in epoch 1, batch 2 (step 2)
    ...

    Clean the data, or lower the learning rate:

    >>> wg.train.fit(loss, np.ones(2), batches[:1], wg.optim.sgd(0.1)).params
    array([0.6, 0.6])
    """


class FileError(WengertError, OSError):
    """A file cannot be read or written, is damaged, or holds something else.

    >>> import wengert as wg
    >>> wg.train.load("no such folder/weights.safetensors")
    Traceback (most recent call last):
        ...
    wengert.errors.FileError: no such folder/weights.safetensors cannot be read: ...

    Files are written whole or not at all:

    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "weights.safetensors")
    ...     wg.train.save(path, {"w": 1.0})
    ...     wg.train.load(path)
    {'w': array(1.)}
    """


class ExportError(WengertError, ValueError):
    """A function cannot be written to a file, or a file's code not be run here.

    >>> import pathlib, tempfile
    >>> import numpy as np, wengert as wg
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = pathlib.Path(folder.name, "f.wengert")
    >>> wg.export.save(path, lambda x, f: f(x), 1.0, np.sin)
    Traceback (most recent call last):
        ...
    wengert.errors.ExportError: save: arguments[1] is a ufunc...

    Bind what is neither array nor number:

    >>> wg.export.save(path, lambda x: np.sin(x), 1.0)
    >>> folder.cleanup()
    """


class MissingLibraryError(WengertError, ImportError):
    """An optional library that this function needs is not installed.

    >>> import sys, unittest.mock
    >>> import wengert as wg
    >>> with unittest.mock.patch.dict(sys.modules, {"sympy": None}):
    ...     wg.explain.symbolic(lambda x: x * x)
    Traceback (most recent call last):
        ...
    wengert.errors.MissingLibraryError: explain.symbolic: sympy is not installed
    ...

    Install the extra that the message names, or use a function that does not need it:

    >>> len(wg.explain.trace(lambda x: x * x)(3.0).rows)
    2
    """


class InvalidProgramError(WengertError, AssertionError):
    """The compiler made a program that is not valid: a defect of Wengert, not yours.

    >>> from wengert._ir.program import Program, literal
    >>> from wengert._ir.verify import verify
    >>> verify(Program((), (), (literal(1.0),))).results[0].value
    np.float64(1.0)
    """


class StagedValueError(WengertError, TypeError):
    """Python code asks for the number of a value that is known only at run time.

    >>> import numpy as np, wengert as wg
    >>> wg.program(lambda x: [1.0, 2.0][int(x)])(0.5)
    Traceback (most recent call last):
        ...
    wengert.errors.StagedValueError: the value of a staged int64[] is needed...

    Select with an array:

    >>> table = np.array([1.0, 2.0])
    >>> print(wg.program(lambda x: np.take(table, int(x)))(0.5).result_types[0])
    float64[]
    """

    parameter: int | None = None  # of the program, if the value is one


class JoinError(WengertError, TypeError):
    """A variable has values on two paths that no type describes together.

    >>> import numpy as np, wengert as wg
    >>> def f(x):
    ...     y = np.zeros(2) if x > 0 else np.zeros((2, 2))
    ...     return y.sum()
    >>> wg.program(f)(1.0)
    Traceback (most recent call last):
        ...
    wengert.errors.JoinError: the variable 'returned value' is float64[2] on one path...

    Give it one rank (lengths may differ):

    >>> def f(x):
    ...     y = np.zeros(2) if x > 0 else np.ones(3)
    ...     return y.sum()
    >>> print(wg.program(f)(1.0).result_types[0])
    float64[]
    """
