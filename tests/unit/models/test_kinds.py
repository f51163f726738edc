"""Files that people take for models are called what they are, by how they begin."""

import pickle
import zipfile
from pathlib import Path

import pytest

from models.kinds import kind_of
from models.steps.refusal import StepRefused, refuse_other_kinds
from tests.own_networks import onnx_network

SAFETENSORS = b'{"weight":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'


def archive(path: Path, member: str) -> bytes:
    with zipfile.ZipFile(path, "w") as stream:
        stream.writestr(member, b"content")
    return path.read_bytes()


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (b"", "empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", "Git LFS"),
        (b"<!DOCTYPE html>\n<html><head><title>404</title></head></html>", "web page"),
        (b"\xef\xbb\xbf\r\n <HTML lang='en'>", "web page"),
        (b"<?xml version='1.0'?><net/>", "XML file"),
        (b"\x18\0\0\0ORTM\0\0", "(.ort)"),
        (b"\x1c\0\0\0TFL3\x14\0", "(.tflite)"),
        (len(SAFETENSORS).to_bytes(8, "little") + SAFETENSORS + bytes(4), "(safetensors)"),
        (b"\x02\0v2.13-rc\0\0\0\0\0\0\0\0\xb0\x26", "(.nb)"),
        (b'{"base_code": {"magic": "pir"}}', "FLAGS_enable_pir_api=0"),
        (b'{"name": "net"}', "JSON file"),
        (b"\x89PNG\r\n\x1a\n", "PNG image"),
        (b"\x1f\x8b\x08\0", "gzip archive"),
        (pickle.dumps({"weights": 1}), "pickle"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_file_of_another_kind_is_named(tmp_path: Path, start: bytes, kind: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(start)
    with pytest.raises(StepRefused) as refused:
        refuse_other_kinds(path, "a model")
    assert kind in str(refused.value)
    assert ", not a model" in str(refused.value)


def test_an_archive_of_pytorch_is_told_from_another(tmp_path: Path) -> None:
    for member, kind in (("net/data.pkl", "PyTorch checkpoint"), ("net.onnx", "zip archive")):
        path = tmp_path / "file"
        archive(path, member)
        with pytest.raises(StepRefused, match=kind):
            refuse_other_kinds(path, "a model")


def test_what_stands_for_another_file_is_told_from_what_is_one() -> None:
    for start, stands in (
        (b"version https://git-lfs.github.com/spec/v1", True),
        (b"<html>", True),
        (b"\x1f\x8b\x08\0", False),
    ):
        kind = kind_of(start)
        assert kind is not None
        assert kind.stands_for_another is stands


def test_models_are_no_other_kind(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(onnx_network().SerializeToString())
    refuse_other_kinds(path, "an ONNX file")
    # Parameters begin with two versions of 0, a program with its first block.
    for start in (bytes(12) + b"\x1a\0\0\0", b"\x0a\xf1\x4b\x08\0\x10\0"):
        path.write_bytes(start)
        refuse_other_kinds(path, "Paddle's")
