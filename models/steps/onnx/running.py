"""ONNX Runtime, as own models are run in it: as they stand, with one thread."""

from __future__ import annotations

from typing import Any

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as native

# They have no class in common but Exception.
NATIVE_ERRORS = tuple(
    each for each in vars(native).values() if isinstance(each, type) and issubclass(each, Exception)
)
"""What ONNX Runtime raises of a model."""

_FATAL_ONLY = 4


def open_session(model: bytes) -> Any:
    """Return a session that runs the model without any optimisation.

    Raises:
        Exception: one of `NATIVE_ERRORS`.
    """
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = _FATAL_ONLY
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
