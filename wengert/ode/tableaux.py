"""Butcher tableaux of the Runge-Kutta methods."""

from __future__ import annotations

from typing import NamedTuple

Row = tuple[float, ...]


class Tableau(NamedTuple):
    """A Runge-Kutta method whose first stage is the slope at the beginning of a step.

    ``rows[i]`` weighs the slopes before stage ``i + 2``, which is taken at
    ``nodes[i]``. The last stage of those that estimate their error is at the end of the
    step, where the next begins.

    References:
        Hairer, Nørsett & Wanner, *Solving Ordinary Differential Equations I*, 2nd ed.,
        Springer 1993, II.1-II.6.
    """

    name: str
    order: int
    nodes: Row
    rows: tuple[Row, ...]
    weights: Row
    error: Row = ()  # of the embedded method, subtracted from the weights
    error_order: int = 0  # of the embedded method
    diagonal: float = 0.0  # of the stages after the first; 0: explicit
    bend: Row = ()  # of the quartic term of the interpolant; see `dense`

    @property
    def adaptive(self) -> bool:
        return bool(self.error)

    @property
    def implicit(self) -> bool:
        return self.diagonal != 0.0


EULER = Tableau("euler", 1, (), (), (1.0,))

HEUN = Tableau("heun", 2, (1.0,), ((1.0,),), (0.5, 0.5))

RK4 = Tableau(
    "rk4",
    4,
    (0.5, 0.5, 1.0),
    ((0.5,), (0.0, 0.5), (0.0, 0.0, 1.0)),
    (1 / 6, 1 / 3, 1 / 3, 1 / 6),
)

# Dormand & Prince, "A family of embedded Runge-Kutta formulae", J. Comput. Appl.
# Math. 6, 1980. The quartic term is that of Hairer, Nørsett & Wanner's code DOPRI5.
_DORMAND_PRINCE = (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84)
_EMBEDDED = (
    5179 / 57600,
    0.0,
    7571 / 16695,
    393 / 640,
    -92097 / 339200,
    187 / 2100,
    1 / 40,
)
DORMAND_PRINCE = Tableau(
    "dopri5",
    5,
    (1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0, 1.0),
    (
        (1 / 5,),
        (3 / 40, 9 / 40),
        (44 / 45, -56 / 15, 32 / 9),
        (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
        (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
        _DORMAND_PRINCE,
    ),
    (*_DORMAND_PRINCE, 0.0),
    tuple(b - e for b, e in zip((*_DORMAND_PRINCE, 0.0), _EMBEDDED, strict=True)),
    4,
    bend=(
        -12715105075 / 11282082432,
        0.0,
        87487479700 / 32700410799,
        -10690763975 / 1880347072,
        701980252875 / 199316789632,
        -1453857185 / 822651844,
        69997945 / 29380423,
    ),
)

# Tsitouras, "Runge-Kutta pairs of order 5(4) satisfying only the first column
# simplifying assumption", Comput. Math. Appl. 62, 2011; its interpolant is the cubic of
# Hermite with a quartic term, as that of Dormand and Prince.
_TSITOURAS = (
    0.09646076681806523,
    0.01,
    0.4798896504144996,
    1.379008574103742,
    -3.290069515436081,
    2.324710524099774,
)
TSITOURAS = Tableau(
    "tsit5",
    5,
    (0.161, 0.327, 0.9, 0.9800255409045097, 1.0, 1.0),
    (
        (0.161,),
        (-0.008480655492356989, 0.335480655492357),
        (2.8971530571054935, -6.359448489975075, 4.3622954328695815),
        (
            5.325864828439257,
            -11.748883564062828,
            7.4955393428898365,
            -0.09249506636175525,
        ),
        (
            5.86145544294642,
            -12.92096931784711,
            8.159367898576159,
            -0.071584973281401,
            -0.028269050394068383,
        ),
        _TSITOURAS,
    ),
    (*_TSITOURAS, 0.0),
    (
        0.00178001105222577714,
        0.0008164344596567469,
        -0.007880878010261995,
        0.1447110071732629,
        -0.5823571654525552,
        0.45808210592918697,
        -1 / 66,
    ),
    4,
    bend=(
        -1.0530884977290216,
        0.1017,
        2.490627285651252793,
        -16.54810288924490272,
        47.37952196281928122,
        -34.87065786149660974,
        2.5,
    ),
)

# Kværnø, "Singly diagonally implicit Runge-Kutta methods with an explicit first stage",
# BIT 44, 2004, the pair 5(4): both methods are stiffly accurate and L-stable.
_KVAERNO = (
    0.13659751177640291,
    0.0,
    -0.05496908796538376,
    -0.04118626728321046,
    0.62993304899016403,
    0.06962479448202728,
)
_KVAERNO_EMBEDDED = (
    0.13855640231268224,
    0.0,
    -0.04245337201752043,
    0.02446657898003141,
    0.61943039072480676,
)
KVAERNO = Tableau(
    "kvaerno5",
    5,
    (0.52, 1.230333209967908, 0.8957659843500759, 0.43639360985864756, 1.0, 1.0),
    (
        (0.26,),
        (0.13, 0.84033320996790809),
        (0.22371961478320505, 0.47675532319799699, -0.06470895363112615),
        (
            0.16648564323248321,
            0.10450018841591720,
            0.03631482272098715,
            -0.13090704451073998,
        ),
        _KVAERNO_EMBEDDED,
        _KVAERNO,
    ),
    (*_KVAERNO, 0.26),
    tuple(
        b - e
        for b, e in zip((*_KVAERNO, 0.26), (*_KVAERNO_EMBEDDED, 0.26, 0.0), strict=True)
    ),
    4,
    diagonal=0.26,
)

TABLEAUX = {t.name: t for t in (EULER, HEUN, RK4, DORMAND_PRINCE, TSITOURAS, KVAERNO)}
