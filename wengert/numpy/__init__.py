"""NumPy's functions, differentiable: ``import wengert.numpy as np``.

Outside a transformation they take and return plain arrays. Names that are not defined
here (constants, dtypes, ``random``, functions without a derivative) are NumPy's own.
"""

from typing import Any

import numpy as _np

import wengert._ops  # every op is in the table from here on
from wengert.numpy import (
    contraction,
    convolution,
    creation,
    differences,
    dtypes,
    elementwise,
    exponentials,
    functions,
    joining,
    linalg,
    ordering,
    reductions,
    selecting,
    shaping,
)
from wengert.numpy.contraction import *
from wengert.numpy.convolution import *
from wengert.numpy.creation import *
from wengert.numpy.differences import *
from wengert.numpy.dtypes import *
from wengert.numpy.elementwise import *
from wengert.numpy.exponentials import *
from wengert.numpy.functions import *
from wengert.numpy.joining import *
from wengert.numpy.ordering import *
from wengert.numpy.reductions import *
from wengert.numpy.selecting import *
from wengert.numpy.shaping import *

__all__ = sorted(
    name
    for area in (
        contraction,
        convolution,
        creation,
        differences,
        dtypes,
        elementwise,
        exponentials,
        functions,
        joining,
        ordering,
        reductions,
        selecting,
        shaping,
    )
    for name in area.__all__
)


def __getattr__(name: str) -> Any:
    return getattr(_np, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *dir(_np)})


from wengert.numpy import protocol as _protocol  # noqa: E402  (needs the names above)

_protocol.install()
