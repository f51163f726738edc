"""Step: check a person's Paddle program, fix its input's shape, write it and what it gives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any

import paddle
from google.protobuf.message import DecodeError
from paddle.base import core
from paddle.base.framework import OpProtoHolder
from paddle.base.proto import framework_pb2

from models.catalog.own import FILE_NAMES, OwnFormat
from models.gist import gist
from models.processes.requests import AdoptAnswer, AdoptRequest
from models.steps.counting.programs import count_program
from models.steps.paddle.admission import admit
from models.steps.paddle.paddle_parameters import check_parameters
from models.steps.parity.adopted import Adopted, Feed, adopt, run_reference
from models.steps.parity.compare import Array
from models.steps.parity.declared import DeclaredInput, declared
from models.steps.refusal import StepRefused, ToolRefused, refuse_other_kinds
from protos.inputs import ElementType

_MODEL_FILE, _PARAMETERS_FILE = FILE_NAMES[OwnFormat.PADDLE]

# An output that `paddle.jit.save` leaves out unless told not to, and that Paddle Lite insists on.
_SHAPE_OUTPUT = "XShape"

# Where Paddle calls a kind of number otherwise than NumPy.
_NUMPY_NAMES = {"fp64": "float64", "fp32": "float32", "fp16": "float16"}

# What Paddle raises on programs that do not hold; its own kinds come from RuntimeError.
_PADDLE_ERRORS = (RuntimeError, ValueError, TypeError, IndexError, OSError, MemoryError)


def run(request: AdoptRequest) -> AdoptAnswer:
    """Write the program, its parameters and the reference outputs.

    Raises:
        StepRefused: it is no Paddle program, its parameters do not fit, it is not images in and
            floats out, or it has what no network of images needs, see
            `models.steps.paddle.admission`.
    """
    model = Path(request.folder) / _MODEL_FILE
    parameters = Path(request.folder) / _PARAMETERS_FILE
    description = _read(model)
    refuse_other_kinds(parameters, "parameters of a program (.pdiparams)")
    shapes = _parameter_shapes(description)
    check_parameters(parameters, shapes)
    admitted = admit(description)
    paddle.enable_static()
    with _refusals("load"):
        program = paddle.static.deserialize_program(admitted)
        executor = paddle.static.Executor(paddle.CPUPlace())
        if shapes:
            paddle.static.deserialize_persistables(program, parameters.read_bytes(), executor)
    inputs, scores = _ends(program)
    adopted = adopt([_declared(variable) for variable in inputs], request)
    _refuse_half(adopted)
    _fix_shapes(program, inputs, adopted)

    def infer(feed: Feed) -> list[Array]:
        with _refusals("run"):
            return list(executor.run(program, feed=dict(feed), fetch_list=scores))

    output_shapes, is_half = run_reference(infer, adopted, request, "Paddle")
    with _refusals("save"):
        paddle.static.save_inference_model(
            request.output, inputs, scores, executor, program=program, clip_extra=False
        )
    params = sum(map(prod, shapes.values()))
    return AdoptAnswer(
        takes=adopted.takes,
        params=params,
        output_shapes=output_shapes,
        assumed=adopted.assumed,
        is_half=is_half,
        count=count_program(program, params) if adopted.takes.batch == 1 else None,
    )


def _read(path: Path) -> Any:
    """Return the program's description, read without Paddle's own machinery."""
    refuse_other_kinds(path, "a Paddle program (.pdmodel)")
    try:
        description = framework_pb2.ProgramDesc.FromString(path.read_bytes())
    except DecodeError as error:
        raise StepRefused("the .pdmodel is no Paddle program, or only a part of one") from error
    if not any(block.ops for block in description.blocks):
        raise StepRefused("the .pdmodel has no operators, so it is no Paddle program")
    return description


def _parameter_shapes(description: Any) -> dict[str, tuple[int, ...]]:
    tensors = (
        variable
        for variable in description.blocks[0].vars
        if variable.persistable and variable.type.type == framework_pb2.VarType.LOD_TENSOR
    )
    return {each.name: tuple(each.type.lod_tensor.tensor.dims) for each in tensors}


def _ends(program: Any) -> tuple[list[Any], list[Any]]:
    """Return the variables of the inputs and of the outputs."""
    block = program.global_block()
    inputs = [each.output("Out")[0] for each in block.ops if each.type == "feed"]
    outputs = [each.input("X")[0] for each in block.ops if each.type == "fetch"]
    with _refusals("find the ends of"):
        return [block.var(name) for name in inputs], [block.var(name) for name in outputs]


def _declared(variable: Any) -> DeclaredInput:
    axes = tuple(None if size < 1 else size for size in variable.shape)
    kind = str(variable.dtype).rpartition(".")[2].lower()
    return declared(variable.name, axes, _NUMPY_NAMES.get(kind, kind))


def _refuse_half(adopted: Adopted) -> None:
    if adopted.takes.kind.element_type is ElementType.FLOAT16:
        raise StepRefused(
            "its image is of float16 numbers, which Paddle does not compute with on a processor; "
            "save it in float32, or export it to ONNX"
        )


def _fix_shapes(program: Any, inputs: Sequence[Any], adopted: Adopted) -> None:
    takes = adopted.takes
    shapes = {each.name: each.shape_for(takes.batch) for each in takes.kind.constants}
    with _refusals("fix the inputs of"):
        for variable in inputs:
            variable.desc.set_shape(list(shapes.get(variable.name, takes.shape)))
        _restore_what_was_clipped(program)


def _restore_what_was_clipped(program: Any) -> None:
    """Give operators their default attributes and their output of shapes, and every shape anew."""
    protos = OpProtoHolder.instance()
    for block in program.blocks:
        for place, operator in enumerate(block.ops):
            if operator.type in ("feed", "fetch"):
                continue
            for name, default in core.get_op_extra_attrs(operator.type).items():
                if not operator.has_attr(name):
                    operator._set_attr(name, default)
            declared = {output.name for output in protos.get_op_proto(operator.type).outputs}
            if _SHAPE_OUTPUT in declared and _SHAPE_OUTPUT not in operator.output_names:
                name = f"{operator.type}_{block.idx}_{place}.shape"
                block.create_var(name=name, dtype="float32", shape=[1])
                operator.desc.set_output(_SHAPE_OUTPUT, [name])
            operator.desc.infer_shape(block.desc)


@contextmanager
def _refusals(verb: str) -> Iterator[None]:
    try:
        yield
    except _PADDLE_ERRORS as error:
        # Its messages end with the sentence and a hint; what comes before are frames.
        said = str(error)
        sentence = said.rpartition("Error: ")[2]
        raise ToolRefused(f"Paddle cannot {verb} it: {gist(sentence)}", said) from error
