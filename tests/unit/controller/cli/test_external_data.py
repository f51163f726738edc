"""ONNX with weights in files beside it becomes one file; nothing outside its folder is read."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from controller.cli.options.external.joining import in_one_file
from controller.cli.options.external.wire import ELEMENT_BITS
from controller.domain.errors import EdgerankError, ErrorCode
from tests.own_networks import onnx_network, save_onnx, with_external_weights

KERNEL_BYTES = 8 * 3 * 3 * 3 * 4


def saved_apart(folder: Path, location: str = "net.onnx.data") -> Path:
    """A model as PyTorch's exporter writes it, its weights in a file beside."""
    folder.mkdir(exist_ok=True)
    path = folder / "net.onnx"
    onnx.save(onnx_network(), path, save_as_external_data=True, location=location, size_threshold=0)
    return path


def naming(folder: Path, location: str, **entries: str) -> Path:
    """A model that says that its kernel is in a file of that name."""
    folder.mkdir(exist_ok=True)
    model = with_external_weights(onnx_network(), location)
    for key, value in entries.items():
        model.graph.initializer[0].external_data.add(key=key, value=value)
    return save_onnx(model, folder / "net.onnx")


def kernel_of(path: Path) -> bytes:
    with in_one_file(path) as whole:
        model = onnx.load(whole, load_external_data=False)
    return numpy_helper.to_array(model.graph.initializer[0]).tobytes()


def refusal(path: Path) -> str:
    with pytest.raises(EdgerankError) as refused, in_one_file(path):
        pass
    assert refused.value.code is ErrorCode.INVALID_INPUT
    return str(refused.value)


def test_weights_beside_a_model_come_into_one_file_and_nothing_else_changes(
    tmp_path: Path,
) -> None:
    path = saved_apart(tmp_path / "net")
    before = onnx_network()
    with in_one_file(path) as whole:
        assert whole.name == path.name
        after = onnx.load(whole, load_external_data=False)
    assert not whole.exists()
    assert after.graph.node == before.graph.node
    assert after.graph.input == before.graph.input
    assert after.opset_import == before.opset_import
    for one, other in zip(before.graph.initializer, after.graph.initializer, strict=True):
        assert one.name == other.name
        assert not other.external_data
        np.testing.assert_array_equal(numpy_helper.to_array(one), numpy_helper.to_array(other))


def test_constants_in_branches_are_found_too(tmp_path: Path) -> None:
    content = np.arange(KERNEL_BYTES // 4, dtype=np.float32).tobytes()
    (tmp_path / "weights").write_bytes(content)
    apart = with_external_weights(onnx_network(), "weights").graph.initializer[0]
    constant = helper.make_node("Constant", [], ["one"], value=apart)
    branch = helper.make_graph([constant], "branch", [], [])
    model = onnx_network()
    model.graph.node.append(helper.make_node("If", ["yes"], ["out"], then_branch=branch))
    with in_one_file(save_onnx(model, tmp_path / "net.onnx")) as whole:
        inner = onnx.load(whole, load_external_data=False).graph.node[-1].attribute[0].g
    assert inner.node[0].attribute[0].t.raw_data == content


def test_a_file_in_a_folder_below_is_of_the_models_own_folder(tmp_path: Path) -> None:
    content = bytes(range(216)) * 4
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "kernel").write_bytes(b"before" + content)
    assert kernel_of(naming(tmp_path, "./below/kernel", offset="6")) == content


@pytest.mark.parametrize(
    "content",
    [b"", b"no model", b"\x0a\x08location", onnx_network().SerializeToString()],
    ids=["empty", "text", "words", "one file"],
)
def test_what_has_no_other_files_stays_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(content)
    with in_one_file(path) as whole:
        assert whole == path


@pytest.mark.parametrize(
    "location",
    [
        "../secret",
        "below/../../secret",
        "{outside}/secret",
        "",
        ".",
        "C:secret",
        "..\\secret",
        "a\0",
    ],
)
def test_names_that_lead_elsewhere_are_refused_unread(tmp_path: Path, location: str) -> None:
    (tmp_path / "secret").write_bytes(bytes(KERNEL_BYTES))
    (tmp_path / "net" / "below").mkdir(parents=True)
    path = naming(tmp_path / "net", location.format(outside=tmp_path))
    assert "not in its own folder" in refusal(path)


@pytest.mark.parametrize("linked", ["file", "folder"])
def test_links_are_not_followed(tmp_path: Path, linked: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(bytes(KERNEL_BYTES))
    folder = tmp_path / "net"
    path = naming(folder, "secret" if linked == "file" else "below/secret")
    if linked == "file":
        (folder / "secret").symlink_to(outside / "secret")
    else:
        (folder / "below").symlink_to(outside)
    assert "a link" in refusal(path)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (str, "not beside it"),
        (lambda path: path.write_bytes(bytes(KERNEL_BYTES - 1)), f"has {KERNEL_BYTES - 1} bytes"),
        (lambda path: path.write_bytes(b"version https://git-lfs.github.com/"), "'git lfs pull'"),
        (Path.mkdir, "no file"),
        # A pipe that nobody writes is not waited for.
        (os.mkfifo, "no file"),
    ],
    ids=["missing", "short", "pointer", "folder", "pipe"],
)
def test_a_file_that_is_not_whole_is_refused(
    tmp_path: Path, make: Callable[[Path], object], words: str
) -> None:
    path = naming(tmp_path, "kernel")
    make(tmp_path / "kernel")
    assert words in refusal(path)


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ({"length": "8"}, f"needs {KERNEL_BYTES}"),
        ({"offset": "-4"}, "no number"),
        ({"offset": "1e3"}, "no number"),
        ({"offset": "9" * 30}, "no number"),
        ({"offset": "1"}, f"needs {KERNEL_BYTES + 1}"),
    ],
)
def test_places_that_cannot_be_are_refused(
    tmp_path: Path, entries: dict[str, str], words: str
) -> None:
    (tmp_path / "kernel").write_bytes(bytes(KERNEL_BYTES))
    assert words in refusal(naming(tmp_path, "kernel", **entries))


def test_a_model_that_would_be_too_large_is_refused_unread(tmp_path: Path) -> None:
    model = with_external_weights(onnx_network(), "kernel")
    model.graph.initializer[0].dims[0] = 10**9
    with (tmp_path / "kernel").open("wb") as stream:
        stream.truncate(10**9 * 27 * 4)
    assert "at most 2 GB" in refusal(save_onnx(model, tmp_path / "net.onnx"))


def test_numbers_of_every_size_are_known() -> None:
    """As many bits as numpy's numbers have, which is what onnx reads tensors into."""
    for kind, bits in ELEMENT_BITS.items():
        if bits >= 8:
            assert helper.tensor_dtype_to_np_dtype(kind).itemsize * 8 == bits
