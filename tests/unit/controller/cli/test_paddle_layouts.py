"""The program and its parameters are found in every layout that Paddle 1.x to 2.6 writes."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from controller.cli.options.external.paddle_layouts import paddle_files
from controller.cli.options.own_files import brought
from controller.domain.errors import EdgerankError, ErrorCode
from models.catalog.own import OwnFormat

TENSOR = bytes(12) + b"tensor"


def folder_with(folder: Path, names: Sequence[str], content: bytes = b"bytes") -> Path:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_bytes(content)
    return folder


def refusal(folder: Path) -> str:
    with pytest.raises(EdgerankError) as refused, paddle_files(folder):
        pass
    assert refused.value.code is ErrorCode.INVALID_INPUT
    return str(refused.value)


@pytest.mark.parametrize(
    ("program", "parameters"),
    [
        ("inference.pdmodel", "inference.pdiparams"),
        ("__model__", "__params__"),
        ("model", "params"),
        ("__model__", "params"),
        ("__model__", "net.pdiparams"),
        ("net.pdmodel", "other.pdiparams"),
        ("net.pdmodel", "__params__"),
    ],
)
def test_a_program_and_its_parameters_are_found(
    tmp_path: Path, program: str, parameters: str
) -> None:
    folder = folder_with(tmp_path, [program, parameters, "inference.yml", "README"])
    with paddle_files(folder) as files:
        assert [file.name for file in files] == [program, parameters]


def test_a_file_for_each_parameter_becomes_one_in_the_order_of_names(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, ["__model__", "labels.txt"])
    for name in ("fc_0.b_0", "conv1_weights", "bn_0.w_0_moment"):
        (folder / name).write_bytes(TENSOR + name.encode())
    with paddle_files(folder) as (program, parameters):
        assert program == folder / "__model__"
        joined = parameters.read_bytes()
    assert joined.split(TENSOR) == [b"", b"bn_0.w_0_moment", b"conv1_weights", b"fc_0.b_0"]
    assert not parameters.exists()


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ([], "--program and --params"),
        (["__model__"], "--program and --params"),
        (["inference.json", "inference.pdiparams"], "FLAGS_enable_pir_api=0"),
        (["net.pdparams"], ".pdparams has weights without a program"),
        (["a.pdmodel", "a.pdiparams", "b.pdmodel", "b.pdiparams"], "(a, b)"),
        (["a.pdmodel", "a.pdiparams", "__model__", "__params__"], "(a, __model__)"),
        (["a.pdmodel", "b.pdmodel", "c.pdiparams"], "--program and --params"),
    ],
)
def test_what_is_no_one_program_is_refused_with_what_would_do(
    tmp_path: Path, names: Sequence[str], words: str
) -> None:
    assert words in refusal(folder_with(tmp_path, names))


def test_what_is_no_folder_is_refused(tmp_path: Path) -> None:
    assert " is no folder;" in refusal(tmp_path / "none")


def test_any_two_names_can_be_given(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, ["net.prog", "net.weights"])
    pair = folder / "net.prog", folder / "net.weights"
    own_format, bringing = brought(None, None, *pair)
    with bringing as files:
        assert (own_format, files) == (OwnFormat.PADDLE, pair)
    with pytest.raises(EdgerankError, match="none is no file"):
        brought(None, None, pair[0], folder / "none")[1].__enter__()


@pytest.mark.parametrize(
    "given", ["", "onnx paddle", "onnx program params", "program", "params", "paddle weights"]
)
def test_exactly_one_way_of_naming_a_model_is_taken(tmp_path: Path, given: str) -> None:
    named = given.split()
    ways = ("onnx", "paddle", "program", "params", "weights")
    paths = (tmp_path if way in named else None for way in ways)
    with pytest.raises(EdgerankError, match="--onnx FILE, --paddle DIR"):
        brought(*paths)
