"""Step: check a person's ONNX file, fix its input's shape, write it and its reference outputs.

What other files the model names is never opened.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError

from models.catalog.own import FILE_NAMES, OwnFormat
from models.catalog.precisions import Precision
from models.processes.requests import AdoptAnswer, AdoptRequest
from models.steps.onnx.contents import is_quantised, messages, parameter_count
from models.steps.onnx.running import NATIVE_ERRORS, open_session
from models.steps.onnx.versions import refuse_newer, stamp_lowest_ir
from models.steps.parity.adopted import assumed_axes, input_shape, run_reference
from models.steps.parity.compare import Array
from models.steps.parity.kinds import refuse_other_kinds
from models.steps.refusal import StepRefused, refused_by_tool

# Domains whose operators ONNX Runtime's plain CPU build has.
_DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml", "com.microsoft"})
# Another name of the first.
_ALIASES = {"ai.onnx": ""}
_IMAGE_RANK = 4
# What its optimiser makes of operators for the processor that it runs on.
_OF_ONE_MACHINE = "com.microsoft.nchwc"


def run(request: AdoptRequest) -> AdoptAnswer:
    """Write the ONNX file and its reference outputs, computed without any graph optimisation.

    Raises:
        StepRefused: it is no ONNX file, not whole, not one image in and float32 out, or it has
            operators that ONNX Runtime does not have.
    """
    model = _read(Path(request.folder) / FILE_NAMES[OwnFormat.ONNX][0])
    _refuse_external_data(model)
    _refuse_optimised(model)
    _refuse_unknown_operators(model)
    stamp_lowest_ir(model)
    image = _image(model)
    declared = _declared_shape(image)
    shape = input_shape(declared, request)
    _fix_shapes(model, image, shape)
    infer = _session(model)
    output_shapes = run_reference(infer, shape, request, "the unoptimised model")
    onnx.save(model, request.output)
    assumed = assumed_axes(declared, request, shape)
    precision = Precision.INT8 if is_quantised(model) else Precision.FP32
    return AdoptAnswer(
        shape[2], parameter_count(model), output_shapes, assumed, precision=precision
    )


def _read(path: Path) -> onnx.ModelProto:
    refuse_other_kinds(path, "an ONNX file")
    try:
        model = onnx.load(path, load_external_data=False)
    except DecodeError as error:
        raise StepRefused("the file is no ONNX file, or only a part of one") from error
    if not model.graph.node:
        raise StepRefused("the file has no graph with operators, so it is no ONNX model")
    return model


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
        isinstance(node, onnx.NodeProto) and node.domain == _OF_ONE_MACHINE
        for node in messages(model)
    ):
        raise StepRefused(
            "ONNX Runtime saved it as optimised for the processor of one machine; add the file "
            "that it was made from, or save it with the optimisation level EXTENDED at most"
        )


def _refuse_unknown_operators(model: onnx.ModelProto) -> None:
    known = {(function.domain, function.name) for function in model.functions}
    unknown = {
        f"{node.domain}.{node.op_type}" if node.domain else node.op_type
        for node in messages(model)
        if isinstance(node, onnx.NodeProto)
        and (node.domain, node.op_type) not in known
        and not _has_operator(node)
    }
    if unknown:
        shown = ", ".join(sorted(unknown)[:5])
        raise StepRefused(f"it has operators that ONNX Runtime does not have: {shown}")


def _has_operator(node: onnx.NodeProto) -> bool:
    if node.domain not in _DOMAINS:
        return False
    domain = _ALIASES.get(node.domain, node.domain)
    return domain == "com.microsoft" or bool(onnx.defs.has(node.op_type, domain))


def _image(model: onnx.ModelProto) -> onnx.ValueInfoProto:
    """Return the one input."""
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in weights]
    if len(inputs) != 1:
        names = ", ".join(value.name[:40] for value in inputs[:5]) or "none"
        raise StepRefused(f"it has {len(inputs)} inputs ({names}); it must have one, an image")
    (image,) = inputs
    kind = image.type.tensor_type.elem_type
    if kind != onnx.TensorProto.FLOAT:
        known = {number: name for name, number in onnx.TensorProto.DataType.items()}
        shown = known.get(kind, "UNDEFINED").lower()
        raise StepRefused(f"its input is of {shown} numbers; it must be float32")
    return image


def _declared_shape(image: onnx.ValueInfoProto) -> list[int | None]:
    """Return the shape that the input is said to have, None for what is open.

    A name is open, and so are nothing and, as exporters write it, -1; without any shape, all is.
    """
    tensor = image.type.tensor_type
    if not tensor.HasField("shape"):
        return [None] * _IMAGE_RANK
    return [axis.dim_value if axis.dim_value > 0 else None for axis in tensor.shape.dim]


def _fix_shapes(model: onnx.ModelProto, image: onnx.ValueInfoProto, shape: Sequence[int]) -> None:
    """Give the input its shape, and take away lengths elsewhere that cannot be."""
    fixed = [onnx.TensorShapeProto.Dimension(dim_value=size) for size in shape]
    image.type.tensor_type.shape.CopyFrom(onnx.TensorShapeProto(dim=fixed))
    for value in (*model.graph.output, *model.graph.value_info):
        for axis in value.type.tensor_type.shape.dim:
            if axis.dim_value < 0:
                axis.Clear()


def _session(model: onnx.ModelProto) -> Callable[[Array], list[Array]]:
    """Return what runs the model as it stands."""
    try:
        session = open_session(model.SerializeToString())
    except NATIVE_ERRORS as error:
        refuse_newer(model)
        raise refused_by_tool("ONNX Runtime does not take it", str(error)) from error
    name = session.get_inputs()[0].name

    def infer(image: Array) -> list[Array]:
        try:
            outputs: list[Array] = session.run(None, {name: image})
        except NATIVE_ERRORS as error:
            raise refused_by_tool("ONNX Runtime cannot run it", str(error)) from error
        return outputs

    return infer
