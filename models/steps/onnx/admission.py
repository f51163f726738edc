"""What a stranger's ONNX file may consist of: known operators, and nothing in other files."""

from __future__ import annotations

from pathlib import Path

import onnx

import models
from models.steps.onnx.contents import messages
from models.steps.refusal import StepRefused

# The domains of the standard, as files write them and as onnx has them.
_STANDARD = {"": "", "ai.onnx": "", "ai.onnx.ml": "ai.onnx.ml"}
_RUNTIME = "com.microsoft"
_OF_RUNTIME = frozenset(
    (Path(models.__file__).parent / "data" / "onnxruntime_operators.csv").read_text().split()[1:]
)
# What its optimiser makes of operators for the processor or the provider that it runs on.
_OF_ONE_MACHINE = ("com.microsoft.nchwc", "com.ms.internal.nhwc")


def admit(model: onnx.ModelProto) -> None:
    """Refuse a model that has more than operators that are known and numbers of its own.

    Raises:
        StepRefused: it has tensors in other files, or operators of other domains; names them.
    """
    _refuse_external_data(model)
    _refuse_optimised(model)
    _refuse_unknown_operators(model)


def _refuse_external_data(model: onnx.ModelProto) -> None:
    outside = [
        message
        for message in messages(model)
        if isinstance(message, onnx.TensorProto)
        and (message.data_location == onnx.TensorProto.EXTERNAL or message.external_data)
    ]
    if outside:
        raise StepRefused(
            f"{len(outside)} of its tensors are in other files (external data), which are not "
            "followed; save it as one file"
        )


def _refuse_optimised(model: onnx.ModelProto) -> None:
    if any(
        isinstance(node, onnx.NodeProto) and node.domain in _OF_ONE_MACHINE
        for node in messages(model)
    ):
        raise StepRefused(
            "ONNX Runtime saved it as optimised for the processor of one machine; add the file "
            "that it was made from, or save it with the optimisation level EXTENDED at most"
        )


def _refuse_unknown_operators(model: onnx.ModelProto) -> None:
    # A function that has the name of an operator would hide it here, and not in ONNX Runtime.
    own = {
        (function.domain, function.name)
        for function in model.functions
        if function.domain not in (_RUNTIME, *_STANDARD)
    }
    used = {
        (node.domain, node.op_type) for node in messages(model) if isinstance(node, onnx.NodeProto)
    }
    strange = {each for each in used - own if not _is_known(*each)}
    unneeded = {each for each in strange if each[0] == _RUNTIME}
    if strange - unneeded:
        shown = _shown(strange - unneeded)
        raise StepRefused(f"it has operators that ONNX Runtime does not have: {shown}")
    if unneeded:
        raise StepRefused(f"it has operators that no network of images needs: {_shown(unneeded)}")


def _is_known(domain: str, operator: str) -> bool:
    if domain == _RUNTIME:
        return operator in _OF_RUNTIME
    standard = _STANDARD.get(domain)
    return standard is not None and bool(onnx.defs.has(operator, standard))


def _shown(operators: set[tuple[str, str]]) -> str:
    names = sorted(f"{domain}.{name}" if domain else name for domain, name in operators)
    return ", ".join(name[:80] for name in names[:5])
