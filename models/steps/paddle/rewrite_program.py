"""Step: rewrite an exported program for a tool that reads it otherwise."""

from __future__ import annotations

import importlib
from pathlib import Path

from paddle.base.proto import framework_pb2

from models.passes import PROGRAM_PASSES
from models.passes.mul_by_constant import left
from models.processes.requests import RewriteAnswer, RewriteRequest
from models.steps.refusal import StepRefused


def run(request: RewriteRequest) -> RewriteAnswer:
    """Write the rewritten program, with the same parameters, which no pass changes.

    Paddle Lite stores the weights of every `matmul_v2` that is left as int8 and never reads them
    back: its outputs then depend on what the memory held before, and may be right by chance. So
    such a program is refused here, where its operators can be seen; a `.nb` file hides them.

    Raises:
        StepRefused: a `matmul_v2` with constant weights is left.
    """
    source, output = Path(request.program_prefix), Path(request.output_prefix)
    program = framework_pb2.ProgramDesc.FromString(Path(f"{source}.pdmodel").read_bytes())
    passes = tuple(
        each.name
        for each in PROGRAM_PASSES
        if importlib.import_module(f"models.passes.{each.name}").rewrite(program)
    )
    unread = left(program)
    if unread:
        raise StepRefused(
            f"{unread} of its matrix products have constant weights that are transposed or no "
            "matrix, and Paddle Lite does not read those back from int8; ask for fp32 or fp16"
        )
    Path(f"{output}.pdmodel").write_bytes(program.SerializeToString())
    Path(f"{output}.pdiparams").hardlink_to(f"{source}.pdiparams")
    return RewriteAnswer(passes)
