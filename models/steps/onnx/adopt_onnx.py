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
from models.steps.counting.onnx_graphs import count_graph
from models.steps.onnx.admission import admit
from models.steps.onnx.contents import is_quantised, parameter_count
from models.steps.onnx.running import NATIVE_ERRORS, open_session
from models.steps.onnx.versions import refuse_newer, stamp_lowest
from models.steps.parity.adopted import Adopted, Feed, adopt, run_reference
from models.steps.parity.compare import Array
from models.steps.parity.declared import DeclaredInput, declared
from models.steps.refusal import StepRefused, refuse_other_kinds, refused_by_tool

_IMAGE_RANK = 4
# Where ONNX calls a kind of number otherwise than NumPy.
_NUMPY_NAMES = {"float": "float32", "double": "float64"}


def run(request: AdoptRequest) -> AdoptAnswer:
    """Write the ONNX file and its reference outputs, computed without any graph optimisation.

    Raises:
        StepRefused: it is no ONNX file, not whole, not images in and floats out, or it has
            operators that ONNX Runtime does not have.
    """
    model = _read(Path(request.folder) / FILE_NAMES[OwnFormat.ONNX][0])
    admit(model)
    versions = stamp_lowest(model)
    inputs = _inputs(model)
    adopted = adopt([_declared(value) for value in inputs], request)
    _fix_shapes(model, inputs, adopted)
    infer = _session(model)
    output_shapes, is_half = run_reference(infer, adopted, request, "the unoptimised model")
    onnx.save(model, request.output)
    params = parameter_count(model)
    return AdoptAnswer(
        takes=adopted.takes,
        params=params,
        output_shapes=output_shapes,
        assumed=adopted.assumed,
        is_half=is_half,
        versions=versions,
        precision=Precision.INT8 if is_quantised(model) else Precision.FP32,
        count=count_graph(model, params) if adopted.takes.batch == 1 else None,
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


def _inputs(model: onnx.ModelProto) -> list[onnx.ValueInfoProto]:
    """Return what the model has to be given."""
    weights = {tensor.name for tensor in model.graph.initializer}
    return [value for value in model.graph.input if value.name not in weights]


def _declared(value: onnx.ValueInfoProto) -> DeclaredInput:
    """Return what the file says of an input, None for an axis that is open.

    A name is open, and so are nothing and, as exporters write it, -1; without any shape, all four
    axes of an image are.
    """
    tensor = value.type.tensor_type
    kinds = {number: name for name, number in onnx.TensorProto.DataType.items()}
    named = kinds.get(tensor.elem_type, "UNDEFINED").lower()
    axes: tuple[int | None, ...] = (None,) * _IMAGE_RANK
    if tensor.HasField("shape"):
        axes = tuple(axis.dim_value if axis.dim_value > 0 else None for axis in tensor.shape.dim)
    return declared(value.name, axes, _NUMPY_NAMES.get(named, named))


def _fix_shapes(
    model: onnx.ModelProto, inputs: Sequence[onnx.ValueInfoProto], adopted: Adopted
) -> None:
    """Give the inputs their shapes, and take away lengths elsewhere that cannot be."""
    takes = adopted.takes
    shapes = {each.name: each.shape_for(takes.batch) for each in takes.kind.constants}
    for value in inputs:
        shape = shapes.get(value.name, takes.shape)
        fixed = [onnx.TensorShapeProto.Dimension(dim_value=size) for size in shape]
        value.type.tensor_type.shape.CopyFrom(onnx.TensorShapeProto(dim=fixed))
    for value in (*model.graph.output, *model.graph.value_info):
        for axis in value.type.tensor_type.shape.dim:
            if axis.dim_value < 0:
                axis.Clear()


def _session(model: onnx.ModelProto) -> Callable[[Feed], list[Array]]:
    """Return what runs the model as it stands."""
    try:
        session = open_session(model.SerializeToString())
    except NATIVE_ERRORS as error:
        refuse_newer(model)
        raise refused_by_tool("ONNX Runtime does not take it", str(error)) from error

    def infer(feed: Feed) -> list[Array]:
        try:
            outputs: list[Array] = session.run(None, dict(feed))
        except NATIVE_ERRORS as error:
            raise refused_by_tool("ONNX Runtime cannot run it", str(error)) from error
        return outputs

    return infer
