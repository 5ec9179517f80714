"""Control flow as functions."""

from wengert._control.cond import cond
from wengert._control.loops import fori_loop, map, range, scan, while_loop

__all__ = ["cond", "fori_loop", "map", "range", "scan", "while_loop"]
