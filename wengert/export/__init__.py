"""Functions that leave the process: as machine code in a file."""

from wengert.export.saved import Saved, load, save

__all__ = ["Saved", "load", "save"]
