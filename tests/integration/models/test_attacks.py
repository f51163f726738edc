"""A file that means harm is refused by name; if it were not, the kernel would hold its child."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from protos.inputs import square
from tests.integration.models.adopting import refusal
from tests.integration.models.attacks import (
    Addition,
    adopt_unchecked,
    tried_by_hostile,
    with_operator,
)
from tests.own_networks import save_onnx, save_paddle


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A sound program as own models are kept."""
    saved, folder = save_paddle(tmp_path / "saved"), tmp_path / "files"
    folder.mkdir()
    for suffix in (".pdmodel", ".pdiparams"):
        shutil.copy(saved / f"inference{suffix}", folder / f"model{suffix}")
    return folder


def saving(target: Path) -> Addition:
    return Addition("save", "X", (), {"file_path": str(target)})


def checking(target: Path) -> Addition:
    texts = {"output_dir": str(target), "op_type": "relu", "var_name": "scores"}
    return Addition("check_numerics", "tensor", ("stats", "values"), texts)


@pytest.mark.parametrize("attack", [saving, checking])
def test_an_operator_that_writes_files_is_refused_and_held(
    attack: Callable[[Path], Addition], files: Path, tmp_path: Path
) -> None:
    model, target, work = files / "model.pdmodel", tmp_path / "owned", tmp_path / "work"
    work.mkdir()
    sound = model.read_bytes()
    model.write_bytes(with_operator(sound, attack(target)))
    assert attack(target).kind in refusal(files, square(64))
    adopt_unchecked(files, work)
    assert not target.exists()
    # The same where it may write: the attack is a real one.
    model.write_bytes(with_operator(sound, attack(work / "owned")))
    ending = adopt_unchecked(files, work)
    assert (work / "owned").exists(), ending


def test_an_attribute_that_names_a_file_is_refused(files: Path) -> None:
    model = files / "model.pdmodel"
    added = Addition("relu", "X", ("Out",), {"mode": "/etc/passwd"})
    model.write_bytes(with_operator(model.read_bytes(), added))
    assert "'mode' that is no plain word" in refusal(files, square(64))


@pytest.mark.parametrize(
    ("kind", "value", "told"),
    [
        ("INTS", [1], "is a list where Paddle has one value"),
        ("FLOAT", 1.5, "is a fraction where Paddle has a whole number"),
        ("LONG", 2**40, "is larger than anything of an image"),
    ],
)
def test_an_attribute_of_another_type_or_beyond_its_range_is_refused(
    kind: str, value: object, told: str, files: Path
) -> None:
    model = files / "model.pdmodel"
    added = Addition("softmax", "X", ("Out",), {}, {"axis": (kind, value)})
    model.write_bytes(with_operator(model.read_bytes(), added))
    assert f"'axis' that {told}" in refusal(files, square(64))


def test_a_file_of_few_bytes_gets_no_more_memory_than_its_images_take(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    # What a model of the largest images may have has room for these 2.5 GB, and for its copy.
    copies = numpy_helper.from_array(np.array([200_000, 1, 1, 1]), "copies")
    nodes = (
        helper.make_node("Expand", ["image", "copies"], ["many"]),
        helper.make_node("ReduceMean", ["many"], ["scores"], axes=[0, 2, 3], keepdims=0),
    )
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, (1, 3, 32, 32))
    scores = helper.make_tensor_value_info("scores", TensorProto.FLOAT, (3,))
    graph = helper.make_graph(nodes, "many", [image], [scores], [copies])
    save_onnx(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8),
        folder / "model.onnx",
    )
    assert "ONNX Runtime cannot run it" in refusal(folder)


def test_what_takes_a_child_over_reaches_nothing(tmp_path: Path) -> None:
    work, secret = tmp_path / "work", tmp_path / "controller.sqlite"
    work.mkdir()
    secret.write_text("keys")
    with socket.create_server(("127.0.0.1", 0)) as server:
        found = tried_by_hostile(
            f"""
import socket, subprocess
address = ("127.0.0.1", {server.getsockname()[1]})
found["connect"] = tried(lambda: socket.create_connection(address))
found["users"] = tried(lambda: open("/etc/passwd").read())
found["state"] = tried(lambda: open({str(secret)!r}).read())
found["spoil"] = tried(lambda: open({str(secret)!r}, "w"))
found["parent"] = tried(lambda: open(f"/proc/{{os.getppid()}}/environ").read())
found["fork"] = tried(os.fork)
found["program"] = tried(lambda: subprocess.run(["id"]))
found["signal"] = tried(lambda: os.kill(os.getppid(), 0))
found["environment"] = sorted(os.environ)
found["own"] = tried(lambda: open("mine", "w").write("x"))
""",
            work,
        )
    assert found.pop("own") == "reached 1"
    assert not {name for name in found.pop("environment") if name.startswith("PYTEST")}
    assert set(found.values()) == {"PermissionError"}
    assert secret.read_text() == "keys"


def test_memory_files_and_threads_end_before_the_machine_does(tmp_path: Path) -> None:
    found = tried_by_hostile(
        """
import signal, threading
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
found["memory"] = tried(lambda: bytearray(2**31))
with open("large", "wb", 0) as large:
    large.write(bytes(2**24))
    found["file"] = tried(lambda: large.write(b"more"))
ending, started = threading.Event(), 0
try:
    while started < 100_000:
        threading.Thread(target=ending.wait).start()
        started += 1
except RuntimeError:
    pass
ending.set()
found["threads"] = started
""",
        tmp_path,
        memory_bytes=2**30,
        file_bytes=2**24,
    )
    assert found["memory"] == "MemoryError"
    assert found["file"] == "OSError"
    assert found["threads"] < 1_000
