"""Step: translate a program into an ONNX file."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import sys
import types
from pathlib import Path

from models.processes.requests import FileAnswer, OnnxRequest
from models.steps.refusal import StepRefused, ToolGaveNothing


def read_libraries() -> None:
    """Read what `run` would read, see `models.steps.forkserver`."""
    converter()


def run(request: OnnxRequest) -> FileAnswer:
    """Write the `.onnx` file.

    Raises:
        ToolGaveNothing: the tool gave no model, which it does not report by itself.
    """
    model: bytes = converter().export(
        f"{request.program_prefix}.pdmodel",
        f"{request.program_prefix}.pdiparams",
        request.opset,
        True,  # raise the opset where an operator asks for it
        True,  # verbose: its reasons go to stderr
        True,  # check the model
        True,  # experimental operators
        True,  # optimise
        {},  # no custom operators
        "onnxruntime",
        "",  # no calibration file
        "",  # no external data
        False,  # keep float32
    )
    if not model:
        raise ToolGaveNothing("paddle2onnx ended without an error and without a model")
    Path(request.output_path).write_bytes(model)
    return FileAnswer(size_bytes=len(model))


@functools.cache
def converter() -> types.ModuleType:
    """Return paddle2onnx's compiled module without the package around it.

    The package imports paddle, which takes two seconds and is not used to translate a program.
    """
    spec = importlib.util.find_spec("paddle2onnx")
    if spec is None or not spec.submodule_search_locations:
        raise StepRefused(
            "the package paddle2onnx is not installed: pip install '.[convert]' in edgerank's "
            "folder"
        )
    package = types.ModuleType("paddle2onnx")
    package.__path__ = list(spec.submodule_search_locations)
    sys.modules["paddle2onnx"] = package
    return importlib.import_module("paddle2onnx.paddle2onnx_cpp2py_export")
