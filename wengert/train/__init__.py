"""Training: a loop around one compiled step, and files of weights."""

from wengert.train.fit import fit
from wengert.train.result import Outcome, Result
from wengert.train.supervised import supervised
from wengert.train.weights import load, save

__all__ = ["Outcome", "Result", "fit", "load", "save", "supervised"]
