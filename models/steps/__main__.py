"""The child's side of a step: one JSON request on stdin, one JSON answer on the real stdout.

A step's libraries are read before its request is, so that a child can be started early and wait.

Frameworks print on stdout, from Python and from C++, some while they are imported. The real
stdout is therefore set aside before a step's module is, and everything else that is written
there goes to stderr.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import resource
import sys
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

import cattrs

from models.requests import (
    MILESTONE,
    AdoptRequest,
    CountRequest,
    ExportRequest,
    ListArchitecturesRequest,
    OnnxRequest,
    PaddleLiteRequest,
    ParityRequest,
    ReduceRequest,
    RewriteRequest,
    RoundingRequest,
    SimplifyRequest,
)
from models.steps.isolation import cut_network
from models.steps.parent import bind_to_parent
from models.steps.refusal import StepRefused, ToolGaveNothing

_REQUESTS: Mapping[str, type] = {
    "adopt_onnx": AdoptRequest,
    "adopt_paddle": AdoptRequest,
    "count": CountRequest,
    "export": ExportRequest,
    "list_architectures": ListArchitecturesRequest,
    "onnx": OnnxRequest,
    "onnx_fp16": ReduceRequest,
    "onnx_int8_dynamic": ReduceRequest,
    "onnx_int8_static": ReduceRequest,
    "paddle_lite": PaddleLiteRequest,
    "parity_onnx": ParityRequest,
    "parity_paddle_lite": ParityRequest,
    "rewrite_program": RewriteRequest,
    "rounding": RoundingRequest,
    "simplify": SimplifyRequest,
}


def main(step: str, parent_pid: int, memory_bytes: int) -> None:
    """Read one request for a step, do it, write one answer.

    A step that yields says by each `None` that a part of its work is done, and answers at last. A
    `StepRefused` is an answer. Any other exception ends the process with a traceback on stderr,
    which the parent turns into a failed step; so does a process that cannot be cut off the network.
    """
    answer_fd = _set_stdout_aside()
    bind_to_parent(parent_pid)
    _limit_memory(memory_bytes)
    cut_network()
    module = importlib.import_module(f"models.steps.{step}")
    # What was imported stays: collections that look at it cost an export a twentieth of its time.
    gc.freeze()
    request: object = cattrs.structure(json.load(sys.stdin), _REQUESTS[step])
    with os.fdopen(answer_fd, "wb", buffering=0) as stream:
        for said in _sayings(module, request):
            stream.write(said)


def _sayings(module: ModuleType, request: object) -> Iterator[bytes]:
    """Give a line for each milestone and one for the answer."""
    try:
        outcome = module.run(request)
        for part in outcome if isinstance(outcome, Iterator) else (outcome,):
            yield MILESTONE if part is None else _line({"done": cattrs.unstructure(part)})
    except StepRefused as refusal:
        silent = isinstance(refusal, ToolGaveNothing)
        yield _line({"refused": str(refusal), "see_stderr": silent})


def _line(answer: Mapping[str, Any]) -> bytes:
    return json.dumps(answer).encode() + b"\n"


def _set_stdout_aside() -> int:
    sys.stdout.flush()
    answer_fd = os.dup(1)
    os.dup2(2, 1)
    return answer_fd


def _limit_memory(memory_bytes: int) -> None:
    """Limit the private writable memory; an allocation beyond it fails in this process only."""
    resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
