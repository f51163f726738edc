"""The child's side of a step: one JSON request on stdin, one JSON answer on the real stdout.

Frameworks print on stdout, from Python and from C++, some while they are imported. The real
stdout is therefore set aside before a step's module is, and everything else that is written
there goes to stderr.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import resource
import signal
import sys
from collections.abc import Mapping
from typing import Any

import cattrs

from models.requests import (
    AdoptRequest,
    CountRequest,
    ExportRequest,
    ListArchitecturesRequest,
    OnnxRequest,
    PaddleLiteRequest,
    ParityRequest,
    ReduceRequest,
    RewriteRequest,
    SimplifyRequest,
)
from models.steps.isolation import cut_network
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
    "simplify": SimplifyRequest,
}
_PR_SET_PDEATHSIG = 1


def main(step: str) -> None:
    """Read one request for a step, do it, write one answer.

    A `StepRefused` is an answer. Any other exception ends the process with a traceback on
    stderr, which the parent turns into a failed step; so does a process that cannot be cut off the
    network.
    """
    answer_fd = _set_stdout_aside()
    envelope = json.load(sys.stdin)
    _bind_to_parent(envelope["parent_pid"])
    _limit_memory(envelope["memory_bytes"])
    cut_network()
    request: object = cattrs.structure(envelope["request"], _REQUESTS[step])
    module = importlib.import_module(f"models.steps.{step}")
    try:
        answer: dict[str, Any] = {"done": cattrs.unstructure(module.run(request))}
    except StepRefused as refusal:
        silent = isinstance(refusal, ToolGaveNothing)
        answer = {"refused": str(refusal), "see_stderr": silent}
    with os.fdopen(answer_fd, "w", encoding="utf-8") as stream:
        json.dump(answer, stream)


def _set_stdout_aside() -> int:
    sys.stdout.flush()
    answer_fd = os.dup(1)
    os.dup2(2, 1)
    return answer_fd


def _bind_to_parent(parent_pid: int) -> None:
    """Die when the parent dies, so that a killed controller leaves no converter behind."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    # The parent may have died before the call above took effect.
    if os.getppid() != parent_pid:
        os.kill(os.getpid(), signal.SIGKILL)


def _limit_memory(memory_bytes: int) -> None:
    """Limit the private writable memory; an allocation beyond it fails in this process only."""
    resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main(sys.argv[1])
