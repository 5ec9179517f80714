"""The methods by their names."""

from __future__ import annotations

import functools
from typing import Any

from wengert.ode import control
from wengert.ode.implicit import implicit_step
from wengert.ode.integrate import Advance, Settings
from wengert.ode.steps import Slope, Step, explicit_step, leapfrog_step
from wengert.ode.tableaux import TABLEAUX, Tableau


def _explicit(
    tableau: Tableau, f: Slope, t: Any, y: Any, h: Any, slope: Any, _: Settings
) -> Step:
    return explicit_step(tableau, f, t, y, h, slope)


def _implicit(
    tableau: Tableau, f: Any, t: Any, y: Any, h: Any, slope: Any, settings: Settings
) -> Step:
    allowed = control.scale_of(y, y, settings.rtol, settings.atol)
    return implicit_step(tableau, f, t, y, h, slope, allowed)


def _leapfrog(f: Slope, t: Any, y: Any, h: Any, slope: Any, _: Settings) -> Step:
    return leapfrog_step(f, t, y, h, slope)


ADVANCE: dict[str, Advance] = {
    name: functools.partial(_implicit if tableau.implicit else _explicit, tableau)
    for name, tableau in TABLEAUX.items()
} | {"leapfrog": _leapfrog}
ADAPTIVE = [name for name, tableau in TABLEAUX.items() if tableau.adaptive]


def order_of(method: str) -> int:
    """The order that the step control goes by."""
    return TABLEAUX[method].error_order if method in ADAPTIVE else 0
