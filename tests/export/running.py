"""Running ONNX models: by onnxruntime, or by onnx's reference of its kernels."""

from __future__ import annotations

import warnings

import numpy as np
import onnxruntime
from onnx.reference import ReferenceEvaluator

import wengert as wg

TOLERANCE = {"float32": 1e-5, "float64": 1e-12}
_QUIET = onnxruntime.SessionOptions()
_QUIET.log_severity_level = 4


def run(model, *args):
    """The outputs of a model for the leaves of arguments."""
    content = model.SerializeToString()
    try:
        session = onnxruntime.InferenceSession(
            content, _QUIET, providers=["CPUExecutionProvider"]
        )
    except onnxruntime.capi.onnxruntime_pybind11_state.NotImplemented:
        return run_by_reference(model, *args)
    return session.run(None, _fed(model, args))


def run_by_reference(model, *args):
    """The same by onnx's own evaluator."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own NumPy code
        return ReferenceEvaluator(model).run(None, _fed(model, args))


def _fed(model, args):
    leaves = [np.asarray(x) for x in wg.tree.leaves(args)]
    return dict(zip([i.name for i in model.graph.input], leaves, strict=True))


def check(f, *args, dtype="float64", expected=None):
    """A function's model computes what the function does."""
    found = run(wg.export.onnx(f, *args), *args)
    if expected is None:
        expected = wg.jit(f)(*args)
    expected = [np.asarray(x) for x in wg.tree.leaves(expected)]
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        tolerance = TOLERANCE[dtype]
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)
