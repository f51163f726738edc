"""Programs that do harm, and the adopting child with every check of its own taken away."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from models.processes.child import Cancellation, StepFailed, StepLimits, run_step
from models.processes.requests import AdoptAnswer, AdoptRequest
from protos.inputs import square

_UNCHECKED = """
import sys
from models.steps import __main__ as steps
from models.steps.paddle import adopt_paddle

# What would refuse the program lets everything through: the kernel alone is left.
adopt_paddle.admit = lambda description: description.SerializeToString()
steps.main(sys.argv[1], int(sys.argv[2]), steps.cattrs.structure(
    steps.json.loads(sys.argv[3]), steps.Bounds))
"""

_HOSTILE = """
import json, os, resource, sys
from models.processes.requests import Bounds
from models.steps.confinement import confine, hold_forks
import cattrs

bounds = cattrs.structure(json.loads(sys.argv[3]), Bounds)
hold_forks(bounds)
confine(sys.argv[1], bounds)
asked = json.load(sys.stdin)

def tried(work):
    try:
        return f"reached {work()}"
    except (OSError, MemoryError) as error:
        return type(error).__name__

CODE
print(json.dumps({"refused": json.dumps(found)}))
"""


@dataclass(frozen=True)
class Addition:
    """An operator that is added to a program: what it takes the scores by, and what it gives."""

    kind: str
    takes: str
    gives: tuple[str, ...]
    texts: dict[str, str]
    numbers: Mapping[str, tuple[str, object]] = field(default_factory=dict)
    """By name: the kind of the attribute as Paddle calls it, and its value."""


_PLACES = {"INT": "i", "INTS": "ints", "LONG": "l", "FLOAT": "f"}


def with_operator(program: bytes, added: Addition) -> bytes:
    """A program with one more operator before its end."""
    from paddle.base.proto import framework_pb2

    description = framework_pb2.ProgramDesc.FromString(program)
    (block,) = description.blocks
    operators = block.ops
    (end,) = [place for place, each in enumerate(operators) if each.type == "fetch"]
    scores = operators[end].inputs[0].arguments[0]
    operator = operators.add(type=added.kind)
    operator.inputs.add(parameter=added.takes, arguments=[scores])
    for slot in added.gives:
        operator.outputs.add(parameter=slot, arguments=[f"added.{slot}"])
        (like,) = [each for each in block.vars if each.name == scores]
        variable = block.vars.add()
        variable.CopyFrom(like)
        variable.name = f"added.{slot}"
    for name, value in added.texts.items():
        operator.attrs.add(name=name, s=value, type=framework_pb2.AttrType.STRING)
    for name, (kind, number) in added.numbers.items():
        attribute = operator.attrs.add(name=name, type=framework_pb2.AttrType.Value(kind))
        place = _PLACES[kind]
        if isinstance(number, list):
            getattr(attribute, place).extend(number)
        else:
            setattr(attribute, place, number)
    ordered = [*operators[:end], operator, *operators[end:-1]]
    copies = [framework_pb2.OpDesc.FromString(each.SerializeToString()) for each in ordered]
    del operators[:]
    operators.extend(copies)
    written: bytes = description.SerializeToString()
    return written


def adopt_unchecked(folder: Path, workdir: Path) -> str:
    """How the adopting child ends that checks nothing."""
    request = AdoptRequest(
        folder=str(folder),
        input_size=square(64),
        batch=1,
        values=(),
        output=str(workdir / "adopted"),
        reference_path=str(workdir / "reference.npz"),
    )
    return _end(request, workdir, (sys.executable, "-c", _UNCHECKED), [folder])


def tried_by_hostile(code: str, workdir: Path, **limits: Any) -> Any:
    """What code found that took over a step's child; it fills the dictionary `found`."""
    program = _HOSTILE.replace("CODE", f"found = {{}}\n{code}")
    request = AdoptRequest("", square(64), 1, (), "", "")
    return json.loads(_end(request, workdir, (sys.executable, "-c", program), [], **limits))


def _end(
    request: AdoptRequest,
    workdir: Path,
    command: tuple[str, ...],
    readable: list[Path],
    **limits: Any,
) -> str:
    try:
        answer = run_step(
            "adopt_paddle",
            request,
            AdoptAnswer,
            workdir=workdir,
            limits=StepLimits(**limits),
            cancellation=Cancellation(),
            readable=readable,
            command=command,
        )
    except StepFailed as failure:
        return failure.reason
    return f"adopted {answer.params}"
