"""Optax's gradient transformations, step by step, for the tests of `wengert.optim`.

    python -m tests.reference.transformations

with jax and optax installed writes `transformations.json`: of each chain the parameters
after some of 100 steps, and of each schedule its values. The same tables make the
same chains of `wengert.optim` in the tests.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

FILE = Path(__file__).with_suffix(".json")
STEPS = 100
KEPT = (1, 2, 10, 50, 100)


def _rate(name, *args):
    return {"schedule": name, "args": args}


WARM = _rate("warmup_cosine_decay_schedule", 0.0, 0.1, 20, 80, 0.01)

# name: [(transformation, arguments), ...], one after the other.
CHAINS = {
    "sgd": [("sgd", {"learning_rate": 0.05})],
    "momentum": [("sgd", {"learning_rate": 0.02, "momentum": 0.9})],
    "nesterov": [("sgd", {"learning_rate": 0.02, "momentum": 0.9, "nesterov": True})],
    "adagrad": [("adagrad", {"learning_rate": 0.3})],
    "adadelta": [("adadelta", {"learning_rate": 1.0})],
    "adadelta decay": [("adadelta", {"learning_rate": 3.0, "weight_decay": 0.1})],
    "rmsprop": [("rmsprop", {"learning_rate": 0.02})],
    "rmsprop centered": [
        ("rmsprop", {"learning_rate": 0.02, "centered": True, "momentum": 0.8})
    ],
    "rmsprop outside": [
        (
            "rmsprop",
            {
                "learning_rate": 0.02,
                "eps_in_sqrt": False,
                "momentum": 0.5,
                "nesterov": True,
                "initial_scale": 1.0,
            },
        )
    ],
    "adam": [("adam", {"learning_rate": 0.05})],
    "adam other": [
        ("adam", {"learning_rate": 0.05, "b1": 0.7, "b2": 0.95, "eps_root": 1e-4})
    ],
    "adamw": [("adamw", {"learning_rate": 0.05, "weight_decay": 0.1})],
    "adamw mask": [
        (
            "adamw",
            {
                "learning_rate": 0.05,
                "weight_decay": 0.1,
                "mask": {"w": True, "b": False, "s": False},
            },
        )
    ],
    "adamax": [("adamax", {"learning_rate": 0.05})],
    "nadam": [("nadam", {"learning_rate": 0.05})],
    "lion": [("lion", {"learning_rate": 0.01, "weight_decay": 0.1})],
    "lamb": [("lamb", {"learning_rate": 0.02, "weight_decay": 0.1})],
    "clip": [("clip", {"max_delta": 0.3}), ("sgd", {"learning_rate": 0.05})],
    "clip norm": [
        ("clip_by_global_norm", {"max_norm": 1.5}),
        ("sgd", {"learning_rate": 0.05}),
    ],
    "decay": [
        ("add_decayed_weights", {"weight_decay": 0.1}),
        ("sgd", {"learning_rate": 0.05, "momentum": 0.5}),
    ],
    "ema": [("ema", {"decay": 0.9}), ("scale", {"step_size": -0.05})],
    "ema biased": [
        ("ema", {"decay": 0.9, "debias": False}),
        ("scale", {"step_size": -0.05}),
    ],
    "schedule": [("adam", {"learning_rate": WARM})],
}

SCHEDULES = {
    "constant": _rate("constant_schedule", 0.1),
    "polynomial": _rate("polynomial_schedule", 0.3, 0.02, 3, 50, 10),
    "linear": _rate("linear_schedule", 0.3, 0.02, 50),
    "steps": _rate("piecewise_constant_schedule", 0.1, {30: 0.5, 60: 0.1}),
    "exponential": _rate("exponential_decay", 0.1, 30, 0.5, 10),
    "staircase": _rate("exponential_decay", 0.1, 30, 0.5, 0, True, 0.03),
    "growth": _rate("exponential_decay", 0.1, 30, 2.0, 0, False, 0.3),
    "cosine": _rate("cosine_decay_schedule", 0.1, 60, 0.1, 2.0),
    "warm-up": _rate("warmup_constant_schedule", 0.01, 0.1, 30),
    "warm-up cosine": WARM,
    "one cycle": _rate("linear_onecycle_schedule", 90, 0.5),
    "one cosine cycle": _rate("cosine_onecycle_schedule", 90, 0.5),
}


def built(library, spec):
    """A schedule of a library from its table; any other value as it is."""
    if isinstance(spec, dict) and "schedule" in spec:
        return getattr(library, spec["schedule"])(*spec["args"])
    return spec


def chain(library, parts, of_schedule=lambda schedule: schedule):
    made = []
    for name, settings in parts:
        values = {k: built(library, v) for k, v in settings.items()}
        values = {k: of_schedule(v) if callable(v) else v for k, v in values.items()}
        made.append(getattr(library, name)(**values))
    return library.chain(*made)


def start():
    return {
        "w": np.cos(np.arange(6.0)).reshape(2, 3),
        "b": np.sin(np.arange(3.0)),
        "s": np.array(0.5),
    }


def gradients(step, params):
    """Of a bowl, with waves that no two entries share: signs and sizes change."""
    waves = {
        name: np.cos(0.7 * step + np.arange(p.size).reshape(p.shape) * 1.3 + i)
        for i, (name, p) in enumerate(params.items())
    }
    return {name: np.asarray(0.5 * params[name] + waves[name]) for name in params}


def trajectory(opt, apply_updates):
    """The parameters at the steps that are kept, each as a list of numbers."""
    params, kept = start(), []
    state = opt.init(params)
    for step in range(1, STEPS + 1):
        updates, state = opt.update(gradients(step, params), state, params)
        params = apply_updates(params, updates)
        params = {name: np.asarray(params[name]) for name in ("w", "b", "s")}
        if step in KEPT:
            kept.append([float(x) for p in params.values() for x in p.ravel()])
    return kept


def main():
    import jax
    import optax

    jax.config.update("jax_enable_x64", True)
    found = {"optax": optax.__version__, "chains": {}, "schedules": {}}
    for name, parts in CHAINS.items():
        # Optax computes schedules of an int32 count in float32.
        opt = chain(optax, parts, lambda schedule: lambda n: schedule(n.astype(float)))
        found["chains"][name] = trajectory(opt, optax.apply_updates)
    for name, spec in SCHEDULES.items():
        schedule = built(optax, spec)
        found["schedules"][name] = [float(schedule(n)) for n in range(0, STEPS, 3)]
    opt = optax.MultiSteps(optax.adam(0.05), 4, accumulator_dtype=float)
    found["multi_steps"] = trajectory(opt, optax.apply_updates)
    groups = {"a": optax.adam(0.05), "b": optax.sgd(0.1)}
    opt = optax.partition(groups, {"w": "a", "b": "b", "s": "a"})
    found["partition"] = trajectory(opt, optax.apply_updates)
    FILE.write_text(json.dumps(found) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
