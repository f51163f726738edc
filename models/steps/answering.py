"""What a step's process does, however it was started: read a request, answer it."""

from __future__ import annotations

import gc
import importlib
import json
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import IO, Any

import cattrs

from models.processes.counting_requests import CountRequest, ListArchitecturesRequest
from models.processes.requests import (
    MILESTONE,
    AdoptRequest,
    ExportRequest,
    OnnxRequest,
    PaddleLiteRequest,
    ParityRequest,
    ReduceRequest,
    RewriteRequest,
    RoundingRequest,
    SimplifyRequest,
)
from models.steps.refusal import StepRefused, ToolGaveNothing, ToolRefused

_STEPS: Mapping[str, tuple[str, type]] = {
    "adopt_onnx": ("onnx", AdoptRequest),
    "adopt_paddle": ("paddle", AdoptRequest),
    "adopt_weights": ("paddle", AdoptRequest),
    "count": ("counting", CountRequest),
    "export": ("paddle", ExportRequest),
    "list_architectures": ("counting", ListArchitecturesRequest),
    "onnx": ("onnx", OnnxRequest),
    "onnx_fp16": ("onnx", ReduceRequest),
    "onnx_int8_dynamic": ("onnx", ReduceRequest),
    "onnx_int8_static": ("onnx", ReduceRequest),
    "paddle_lite": ("lite", PaddleLiteRequest),
    "parity_onnx": ("onnx", ParityRequest),
    "parity_paddle_lite": ("lite", ParityRequest),
    "rewrite_program": ("paddle", RewriteRequest),
    "rounding": ("paddle", RoundingRequest),
    "simplify": ("onnx", SimplifyRequest),
}


def import_step(step: str) -> ModuleType:
    """Import the module that does a step, and with it the libraries that it needs at once."""
    room, _ = _STEPS[step]
    return importlib.import_module(f"models.steps.{room}.{step}")


def answer(step: str, request: IO[bytes], answers: IO[bytes]) -> None:
    """Read one request for a step, do it, write one answer.

    A step that yields says by each `None` that a part of its work is done, and answers at last. A
    `StepRefused` is an answer. Any other exception is to end the process with a traceback on
    stderr, which the parent turns into a failed step.
    """
    module = import_step(step)
    # What was imported stays: collections that look at it cost an export a twentieth of its time.
    gc.freeze()
    asked: object = cattrs.structure(json.load(request), _STEPS[step][1])
    for said in _sayings(module, asked):
        answers.write(said)


def _sayings(module: ModuleType, request: object) -> Iterator[bytes]:
    """Give a line for each milestone and one for the answer."""
    try:
        outcome = module.run(request)
        for part in outcome if isinstance(outcome, Iterator) else (outcome,):
            yield MILESTONE if part is None else _line({"done": cattrs.unstructure(part)})
    except StepRefused as refusal:
        silent = isinstance(refusal, ToolGaveNothing)
        said = refusal.said if isinstance(refusal, ToolRefused) else ""
        yield _line({"refused": str(refusal), "see_stderr": silent, "said": said})


def _line(said: Mapping[str, Any]) -> bytes:
    return json.dumps(said).encode() + b"\n"
