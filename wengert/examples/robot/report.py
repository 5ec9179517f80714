"""The results as plain numbers, for ``results.json``."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import wengert as wg
from wengert.examples.robot.calibration import Calibration
from wengert.examples.robot.flight import BALL_MASS, BALL_RADIUS
from wengert.examples.robot.inverse import ALPHA, Throw
from wengert.examples.robot.lesson import Results
from wengert.examples.robot.minimise import Descent
from wengert.examples.robot.policy import DISTANCES, throw
from wengert.examples.robot.sensitivity import (
    SENSOR_ERROR,
    SPREADS,
    Budget,
    Sensitivity,
)
from wengert.examples.robot.training import Training


def as_json(results: Results) -> dict[str, Any]:
    """Numbers, strings, lists and dictionaries; units are part of the names."""
    settings = results.settings
    return {
        "wengert": wg.__version__,
        "settings": {
            "distance_m": settings.distance,
            "height_m": settings.height,
            "seed": settings.seed,
            "epochs": settings.epochs,
            "measurements": str(settings.measurements),
            "compiled": settings.compiled,
        },
        "inverse": {
            "alpha": ALPHA,
            "methods": [_throw(found) for found in results.inverse],
        },
        "network_without_air": _training(results.training, settings.distance),
        "calibration": _calibration(results.calibration, results.drag),
        "network_with_drag": _training(results.drag_training, settings.distance),
        "sensitivity": _sensitivity(results.sensitivity),
        "seconds": {name: round(s, 3) for name, s in results.seconds.items()},
    }


def _throw(found: Throw) -> dict[str, Any]:
    return {
        **_descent(found.descent),
        "speed_m_per_s": found.speed,
        "angle_deg": math.degrees(found.angle),
        "miss_m": found.miss,
    }


def _descent(descent: Descent) -> dict[str, Any]:
    return {
        "method": descent.name,
        "iterations": descent.iterations,
        "evaluations": descent.evaluations,
        "first_loss": descent.losses[0],
        "loss": descent.losses[-1],
        "gradient_norm": descent.gradient_norm,
        "converged": descent.converged,
    }


def _training(run: Training, distance: float) -> dict[str, Any]:
    worst = int(np.argmax(np.abs(run.misses)))
    out: dict[str, Any] = {
        "descents": [_descent(descent) for descent in run.descents],
        "training_range_m": list(DISTANCES),
        "unseen_distances": len(run.unseen),
        "worst_miss_m": run.worst_miss,
        "worst_miss_at_m": float(run.unseen[worst]),
        "mean_miss_m": float(np.mean(np.abs(run.misses))),
    }
    if DISTANCES[0] <= distance <= DISTANCES[1]:
        speed, angle = throw(run.layers, np.array([distance]))
        out["throw_at_distance"] = {
            "speed_m_per_s": float(speed[0]),
            "angle_deg": math.degrees(float(angle[0])),
        }
    return out


def _calibration(found: Calibration, drag: float) -> dict[str, Any]:
    x, y, vx, vy = found.start
    return {
        "measurements": len(found.measurements.times),
        "drag_coefficient": found.coefficient,
        "interval_95": list(found.interval),
        "drag_per_m": drag,
        "true_coefficient": found.measurements.true_coefficient,
        "relative_error": found.relative_error,
        "noise_m": found.noise,
        "iterations": found.iterations,
        "ball": {"mass_kg": BALL_MASS, "radius_m": BALL_RADIUS},
        "start": {
            "x_m": float(x),
            "y_m": float(y),
            "speed_m_per_s": math.hypot(vx, vy),
            "angle_deg": math.degrees(math.atan2(vy, vx)),
        },
    }


def _sensitivity(effect: Sensitivity) -> dict[str, Any]:
    names = {
        "speed": "speed_m_per_s",
        "angle": "angle_rad",
        "landing": "landing_m",
        "height": "height_m",
    }
    return {
        "sensor_error_m": SENSOR_ERROR,
        "distance_m": effect.distances.round(6).tolist(),
        **{names[name]: v.tolist() for name, v in effect.quantities().items()},
        "linear_error_m": effect.linear_error,
        "sensitive_distances_m": {
            name: [[round(end, 6) for end in run] for run in effect.sensitive(name)]
            for name in names
        },
        "spreads_m_m_per_s_rad": SPREADS,
        "error_budgets": [_budget(found) for found in effect.budgets],
    }


def _budget(found: Budget) -> dict[str, Any]:
    return {
        "distance_m": found.distance,
        "height_std_m": found.std,
        "sampled_std_m": found.sampled,
        "shares": {ranked.name: ranked.share for ranked in found.ranked},
    }
