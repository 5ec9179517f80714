"""Which function lowers an equation: control, a native lowering, or the host."""

from __future__ import annotations

from collections.abc import Callable

from wengert._backend import types as t
from wengert._backend.contraction import CONTRACTIONS
from wengert._backend.control import CONTROL
from wengert._backend.convolution import CONVOLUTIONS
from wengert._backend.elementwise import SELECTIONS, lower_elementwise
from wengert._backend.host import lower_on_host
from wengert._backend.indexing import INDEXING
from wengert._backend.linalg import LINALG
from wengert._backend.lowering import Lowering
from wengert._backend.narrow import lower_in_float32, needs_float32
from wengert._backend.normalised import NORMALISED
from wengert._backend.norms import NORMS
from wengert._backend.ordering import ORDERING
from wengert._backend.powers import POWERS
from wengert._backend.reductions import REDUCTIONS
from wengert._backend.special import SPECIAL
from wengert._backend.spectral import SPECTRAL
from wengert._backend.structure import STRUCTURE
from wengert._backend.values import Value
from wengert._ir.program import Equation

Lower = Callable[[Lowering, Equation], list[Value] | None]
NATIVE: dict[str, Lower] = {
    **SELECTIONS,
    **STRUCTURE,
    **INDEXING,
    **REDUCTIONS,
    **CONTRACTIONS,
    **CONVOLUTIONS,
    **LINALG,
    **SPECTRAL,
    **NORMS,
    **NORMALISED,
    **ORDERING,
    **POWERS,
    **SPECIAL,
}


def lower_equation(lowering: Lowering, equation: Equation) -> None:
    """Emit one equation and bind its results."""
    name = equation.op.name
    lowering.sites.place = equation.site
    for atom in (*equation.inputs, *equation.outputs):
        t.check_dtype(atom.type.dtype, name)
    control = CONTROL.get(name)
    if control is not None:
        control(lowering, equation)
        return
    lower = NATIVE.get(name, lower_elementwise)
    if needs_float32(equation):
        values = lower_in_float32(lowering, equation, lower)
    else:
        values = lower(lowering, equation)
    if values is None:
        values = lower_on_host(lowering, equation)
    lowering.finish(equation, values)
