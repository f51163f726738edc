"""Step: check a person's ONNX file, fix its input's shape, write it and its reference outputs.

What other files the model names is never opened.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from math import prod
from pathlib import Path

import onnx
import onnxruntime
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, Message
from onnxruntime.capi import onnxruntime_pybind11_state as native

from models.catalog.own import FILE_NAMES, OwnFormat
from models.processes.requests import AdoptAnswer, AdoptRequest
from models.steps.parity.adopted import (
    assumed_axes,
    input_shape,
    refuse_other_kinds,
    run_reference,
)
from models.steps.parity.compare import Array
from models.steps.refusal import StepRefused

# They have no class in common but Exception.
_NATIVE_ERRORS = tuple(
    each for each in vars(native).values() if isinstance(each, type) and issubclass(each, Exception)
)
# Domains whose operators ONNX Runtime's plain CPU build has.
_DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml", "com.microsoft"})
# Another name of the first.
_ALIASES = {"ai.onnx": ""}
_ERRORS_ONLY = 3
_IMAGE_RANK = 4
# What ONNX Runtime puts before a message.
_STATUS = re.compile(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ")


def run(request: AdoptRequest) -> AdoptAnswer:
    """Write the ONNX file and its reference outputs, computed without any graph optimisation.

    Raises:
        StepRefused: it is no ONNX file, not whole, not one image in and float32 out, or it has
            operators that ONNX Runtime does not have.
    """
    model = _read(Path(request.folder) / FILE_NAMES[OwnFormat.ONNX][0])
    _refuse_external_data(model)
    _refuse_unknown_operators(model)
    image = _image(model)
    declared = _declared_shape(image)
    shape = input_shape(declared, request)
    _fix_shapes(model, image, shape)
    infer = _session(model)
    output_shapes = run_reference(infer, shape, request, "the unoptimised model")
    onnx.save(model, request.output)
    params = sum(prod(tensor.dims) for tensor in model.graph.initializer)
    return AdoptAnswer(shape[2], params, output_shapes, assumed_axes(declared, request, shape))


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
        for message in _messages(model)
        if isinstance(message, onnx.TensorProto)
        and (message.data_location == onnx.TensorProto.EXTERNAL or message.external_data)
    ]
    if outside:
        raise StepRefused(
            f"{len(outside)} of its tensors are in other files (external data), which are not "
            "followed; save it as one file"
        )


def _messages(message: Message) -> Iterator[Message]:
    """Yield a message and every message inside, wherever it stands."""
    yield message
    for field, value in message.ListFields():
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            for inner in (value,) if isinstance(value, Message) else value:
                yield from _messages(inner)


def _refuse_unknown_operators(model: onnx.ModelProto) -> None:
    known = {(function.domain, function.name) for function in model.functions}
    unknown = {
        f"{node.domain}.{node.op_type}" if node.domain else node.op_type
        for node in _messages(model)
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
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = _ERRORS_ONLY
    try:
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
    except _NATIVE_ERRORS as error:
        raise StepRefused(f"ONNX Runtime does not take it: {_first_line(error)}") from error
    name = session.get_inputs()[0].name

    def infer(image: Array) -> list[Array]:
        try:
            outputs: list[Array] = session.run(None, {name: image})
        except _NATIVE_ERRORS as error:
            raise StepRefused(f"ONNX Runtime cannot run it: {_first_line(error)}") from error
        return outputs

    return infer


def _first_line(error: Exception) -> str:
    return _STATUS.sub("", str(error).strip().splitlines()[0])[:300]
