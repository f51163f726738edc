"""Step: check a person's Paddle program, fix its input's shape, write it and what it gives."""

from __future__ import annotations

from collections.abc import Iterator
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
from models.steps.paddle.paddle_parameters import check_parameters
from models.steps.parity.adopted import assumed_axes, input_shape, run_reference
from models.steps.parity.compare import Array
from models.steps.parity.kinds import refuse_other_kinds
from models.steps.refusal import StepRefused, ToolRefused

_MODEL_FILE, _PARAMETERS_FILE = FILE_NAMES[OwnFormat.PADDLE]

# A network computes: operators that use files, talk to others or call Python do not belong.
_FORBIDDEN = frozenset({"load", "load_combine", "save", "save_combine", "py_func", "read", "print"})
_FORBIDDEN_WORDS = ("_reader", "read_file", "send", "recv", "listen", "barrier")

# An output that `paddle.jit.save` leaves out unless told not to, and that Paddle Lite insists on.
_SHAPE_OUTPUT = "XShape"

# What Paddle raises on programs that do not hold; its own kinds come from RuntimeError.
_PADDLE_ERRORS = (RuntimeError, ValueError, TypeError, IndexError, OSError, MemoryError)


def run(request: AdoptRequest) -> AdoptAnswer:
    """Write the program, its parameters and the reference outputs.

    Raises:
        StepRefused: it is no Paddle program, its parameters do not fit, it is not one image in and
            float32 out, or it has operators that Paddle does not have.
    """
    model = Path(request.folder) / _MODEL_FILE
    parameters = Path(request.folder) / _PARAMETERS_FILE
    description = _read(model)
    refuse_other_kinds(parameters, "parameters of a program (.pdiparams)")
    shapes = _parameter_shapes(description)
    check_parameters(parameters, shapes)
    paddle.enable_static()
    with _refusals("load"):
        program = paddle.static.deserialize_program(model.read_bytes())
        executor = paddle.static.Executor(paddle.CPUPlace())
        if shapes:
            paddle.static.deserialize_persistables(program, parameters.read_bytes(), executor)
    image, scores = _ends(program)
    declared = [None if size < 1 else size for size in image.shape]
    shape = input_shape(declared, request)
    with _refusals("fix the input of"):
        image.desc.set_shape(list(shape))
        _restore_what_was_clipped(program)

    def infer(inputs: Array) -> list[Array]:
        with _refusals("run"):
            return list(executor.run(program, feed={image.name: inputs}, fetch_list=scores))

    output_shapes = run_reference(infer, shape, request, "Paddle")
    with _refusals("save"):
        paddle.static.save_inference_model(
            request.output, [image], scores, executor, program=program, clip_extra=False
        )
    params = sum(map(prod, shapes.values()))
    return AdoptAnswer(shape[2], params, output_shapes, assumed_axes(declared, request, shape))


def _read(path: Path) -> Any:
    """Return the program's description, read without Paddle's own machinery."""
    refuse_other_kinds(path, "a Paddle program (.pdmodel)")
    try:
        description = framework_pb2.ProgramDesc.FromString(path.read_bytes())
    except DecodeError as error:
        raise StepRefused("the .pdmodel is no Paddle program, or only a part of one") from error
    operators = [operator.type for block in description.blocks for operator in block.ops]
    if not operators:
        raise StepRefused("the .pdmodel has no operators, so it is no Paddle program")
    known = OpProtoHolder.instance().op_proto_map.keys() | {"feed", "fetch"}
    unknown = sorted(set(operators) - known)
    if unknown:
        shown = ", ".join(unknown[:5])
        raise StepRefused(
            f"it has operators that Paddle {paddle.__version__} does not have: {shown}"
        )
    forbidden = sorted(filter(_is_forbidden, set(operators)))
    if forbidden:
        shown = ", ".join(forbidden[:5])
        raise StepRefused(f"it has operators that no image classifier needs: {shown}")
    return description


def _is_forbidden(operator: str) -> bool:
    return operator in _FORBIDDEN or any(word in operator for word in _FORBIDDEN_WORDS)


def _parameter_shapes(description: Any) -> dict[str, tuple[int, ...]]:
    tensors = (
        variable
        for variable in description.blocks[0].vars
        if variable.persistable and variable.type.type == framework_pb2.VarType.LOD_TENSOR
    )
    return {each.name: tuple(each.type.lod_tensor.tensor.dims) for each in tensors}


def _ends(program: Any) -> tuple[Any, list[Any]]:
    """Return the variables of the one input and of the outputs."""
    block = program.global_block()
    inputs = [each.output("Out")[0] for each in block.ops if each.type == "feed"]
    outputs = [each.input("X")[0] for each in block.ops if each.type == "fetch"]
    if len(inputs) != 1:
        names = ", ".join(name[:40] for name in inputs[:5]) or "none"
        raise StepRefused(f"it has {len(inputs)} inputs ({names}); it must have one, an image")
    with _refusals("find the ends of"):
        image, scores = block.var(inputs[0]), [block.var(name) for name in outputs]
        if image.dtype != core.VarDesc.VarType.FP32:
            kind = str(image.dtype).rpartition(".")[2].lower()
            raise StepRefused(f"its input is of {kind} numbers; it must be float32")
    return image, scores


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
