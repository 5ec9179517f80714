"""What ``python -m wengert examples`` runs: simulations and models."""

from __future__ import annotations

from dataclasses import dataclass

from wengert.examples import (
    beam,
    burgers,
    conductivity,
    epidemic,
    heat,
    hybrid,
    inventory,
    molecules,
    options,
    pendulum,
    portfolio,
    whole_steps,
)
from wengert.examples.gallery import Program
from wengert.examples.learning import (
    autoencoder,
    bayesian_network,
    binary,
    characters,
    digits,
    karate,
    meta_learning,
    moons,
    newton_cg,
    photograph,
    pruning,
    tuning,
)
from wengert.examples.study import Study


@dataclass(frozen=True)
class Application(Program):
    """A module with a function ``study() -> Study``."""

    def study(self) -> Study:
        result: Study = self.module.study()
        return result


MODULES = (
    epidemic,
    molecules,
    heat,
    conductivity,
    burgers,
    portfolio,
    options,
    inventory,
    pendulum,
    beam,
    hybrid,
    whole_steps,
)
MODELS = (
    digits,
    pruning,
    characters,
    karate,
    photograph,
    meta_learning,
    tuning,
    binary,
    newton_cg,
    autoencoder,
    moons,
    bayesian_network,
)
SIMULATIONS = {app.name: app for app in map(Application, MODULES)}
LEARNING = {app.name: app for app in map(Application, MODELS)}
APPLICATIONS = SIMULATIONS | LEARNING
