"""Optimisers on exact derivatives: solvers for functions, and steps for training."""

from wengert.optim.bfgs import BFGS
from wengert.optim.combining import masked, multi_steps, partition
from wengert.optim.gauss_newton import GaussNewton
from wengert.optim.lbfgs import LBFGS
from wengert.optim.least_squares import least_squares
from wengert.optim.leaves import global_norm
from wengert.optim.levenberg_marquardt import LevenbergMarquardt
from wengert.optim.minimize import minimize
from wengert.optim.moments import (
    ema,
    scale_by_adadelta,
    scale_by_adam,
    scale_by_adamax,
    scale_by_lion,
    scale_by_rms,
    scale_by_rss,
    scale_by_stddev,
    trace,
)
from wengert.optim.newton_cg import NewtonCG
from wengert.optim.optimisers import (
    adadelta,
    adagrad,
    adam,
    adamax,
    adamw,
    lamb,
    lion,
    nadam,
    rmsprop,
    sgd,
)
from wengert.optim.result import History, Outcome, Result
from wengert.optim.schedules import (
    constant_schedule,
    cosine_decay_schedule,
    cosine_onecycle_schedule,
    exponential_decay,
    join_schedules,
    linear_onecycle_schedule,
    linear_schedule,
    piecewise_constant_schedule,
    polynomial_schedule,
    warmup_constant_schedule,
    warmup_cosine_decay_schedule,
)
from wengert.optim.transformation import (
    Transformation,
    apply_updates,
    chain,
    identity,
    scale,
    scale_by_learning_rate,
    scale_by_schedule,
    set_to_zero,
)
from wengert.optim.trust_region import TrustRegion
from wengert.optim.weights import (
    add_decayed_weights,
    clip,
    clip_by_global_norm,
    scale_by_trust_ratio,
)

__all__ = [
    "BFGS",
    "LBFGS",
    "GaussNewton",
    "History",
    "LevenbergMarquardt",
    "NewtonCG",
    "Outcome",
    "Result",
    "Transformation",
    "TrustRegion",
    "adadelta",
    "adagrad",
    "adam",
    "adamax",
    "adamw",
    "add_decayed_weights",
    "apply_updates",
    "chain",
    "clip",
    "clip_by_global_norm",
    "constant_schedule",
    "cosine_decay_schedule",
    "cosine_onecycle_schedule",
    "ema",
    "exponential_decay",
    "global_norm",
    "identity",
    "join_schedules",
    "lamb",
    "least_squares",
    "linear_onecycle_schedule",
    "linear_schedule",
    "lion",
    "masked",
    "minimize",
    "multi_steps",
    "nadam",
    "partition",
    "piecewise_constant_schedule",
    "polynomial_schedule",
    "rmsprop",
    "scale",
    "scale_by_adadelta",
    "scale_by_adam",
    "scale_by_adamax",
    "scale_by_learning_rate",
    "scale_by_lion",
    "scale_by_rms",
    "scale_by_rss",
    "scale_by_schedule",
    "scale_by_stddev",
    "scale_by_trust_ratio",
    "set_to_zero",
    "sgd",
    "trace",
    "warmup_constant_schedule",
    "warmup_cosine_decay_schedule",
]
