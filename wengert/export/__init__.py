"""Functions that leave the process: as machine code in a file, or as ONNX models."""

from wengert.export.saved import Saved, load, save
from wengert.export.translate import onnx

__all__ = ["Saved", "load", "onnx", "save"]
