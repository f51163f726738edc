"""Own models and own accuracy through the real commands: added, measured, ranked; or refused."""

import hashlib
import json
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import grpc
import onnx
import pytest

from protos.v1 import query_pb2, query_pb2_grpc
from tests.integration.system.conftest import QUICK_SWEEP
from tests.integration.system.own.bringing import csv, own_names, refused
from tests.own_networks import FIXED_SHAPE, onnx_network, save_onnx, save_weights
from tests.processes import edgerank, running_agent, running_controller

NAME = "PetalNet"


@pytest.fixture(scope="module")
def onnx_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_onnx(onnx_network(FIXED_SHAPE), tmp_path_factory.mktemp("own") / "petals.onnx")


def test_an_own_model_is_measured_and_ranked_by_its_own_accuracy(
    tmp_path: Path, onnx_file: Path
) -> None:
    state = tmp_path / "controller"
    with (
        running_controller(state) as (_controller, address),
        running_agent(address, "pc", tmp_path / "agent"),
    ):
        added = edgerank("models", "add", NAME, "--onnx", str(onnx_file), address=address)
        assert added.stdout.startswith(f"added {NAME} (onnx): 64 px"), added.stderr
        converted = edgerank("convert", NAME, "--precisions", "fp32,fp16", address=address)
        assert converted.returncode == 0, converted.stdout
        assert converted.stdout.count(f"left out: {NAME} was added as ONNX") == 1
        assert " 0 refused, 0 failed" in converted.stdout
        sweep = ("sweep", "--models", NAME, "--runtimes", "onnxruntime", *QUICK_SWEEP, "--json")
        swept = edgerank(*sweep, address=address)
        assert [job["weights"] for job in json.loads(swept.stdout)["ended"]] == ["own"]

        before = ranking(address)
        assert before["winner"] is None
        (unknown,) = before["left_out"][0]["reasons"]
        assert unknown["code"] == "accuracy_unknown"
        assert "edgerank accuracy import" in unknown["sentence"]

        file = csv(tmp_path / "flowers.csv", f"{NAME},flowers,top1,91.5,fp32,our own")
        assert edgerank("accuracy", "import", file, address=address).returncode == 0
        after = ranking(address, "--accuracy", "flowers")
        assert after["accuracy_dataset"] == "flowers"
        assert after["winner"]["measurement"]["backbone"] == NAME
        assert after["winner"]["measurement"]["top1"] == 91.5
        assert ranking(address)["winner"] is None

        page = tmp_path / "report.html"
        report = ("report", "--device", "pc", "--accuracy", "flowers", "-o", str(page))
        assert edgerank(*report, address=address).returncode == 0
        assert "accuracy on flowers" in page.read_text()
        kept = edgerank("models", "remove", NAME, address=address)
        assert kept.returncode == 4
        assert "figures keep their model" in kept.stderr

    # What was taken in is there after a restart.
    with running_controller(state) as (_controller, address):
        assert own_names(address) == [NAME]
        assert ranking(address, "--accuracy", "flowers")["winner"] is not None


def ranking(address: str, *options: str) -> Any:
    done = edgerank("best", "--device", "pc", *options, "--json", address=address)
    return json.loads(done.stdout)


def test_weights_of_an_architecture_are_added_and_say_what_they_are_of(
    address: str, tmp_path: Path
) -> None:
    path = save_weights(tmp_path / "best_model.pdparams", "PPLCNet_x0_25", 17)
    add = ("models", "add", "Birds", "--architecture", "PPLCNet_x0_25", "--weights", str(path))
    wrong = refused(*add, "--classes", "20", address=address)
    assert "for 17 classes, and 20 were asked for" in wrong
    added = edgerank(*add, "--classes", "17", "--input-size", "64", "--json", address=address)
    model = json.loads(added.stdout)
    assert (model["format"], model["architecture"]) == ("weights", "PPLCNet_x0_25")
    assert model["output_shapes"] == ["1x17"]
    assert "weights of PPLCNet_x0_25" in edgerank("models", "own", address=address).stdout
    assert edgerank("models", "remove", "Birds", address=address).returncode == 0


def test_weights_beside_a_model_are_sent_with_it(address: str, tmp_path: Path) -> None:
    path = tmp_path / "apart.onnx"
    onnx.save(
        onnx_network(FIXED_SHAPE),
        path,
        save_as_external_data=True,
        location="apart.onnx.data",
        size_threshold=0,
    )
    added = edgerank("models", "add", "Apart", "--onnx", str(path), address=address)
    assert added.stdout.startswith("added Apart (onnx): 64 px, 296 parameters"), added.stderr
    assert edgerank("models", "remove", "Apart", address=address).returncode == 0
    (tmp_path / "apart.onnx.data").rename(tmp_path / "elsewhere")
    said = refused("models", "add", "Apart", "--onnx", str(path), address=address)
    assert "apart.onnx.data, which is not beside it" in said


def test_a_wrong_model_is_refused_before_or_after_it_was_sent(
    address: str, tmp_path: Path, onnx_file: Path
) -> None:
    huge = tmp_path / "huge.onnx"
    with huge.open("wb") as stream:
        stream.truncate(3_000_000_000)
    folder = tmp_path / "saved"
    folder.mkdir()
    (folder / "weights.pdparams").write_bytes(b"\x80\x04")
    text = tmp_path / "text.onnx"
    text.write_text("no model\n" * 20)
    add = ("models", "add")
    cases = {
        (*add, "Huge", "--onnx", str(huge)): "has 3.0 GB; a model has at most 2 GB",
        (*add, "Mine", "--onnx", str(tmp_path / "none.onnx")): "none.onnx is no file",
        (*add, "Mine", "--paddle", str(folder)): "a .pdparams has weights without a program",
        (*add, "Mine", "--paddle", str(tmp_path)): "has no program with its parameters; if",
        (*add, "Mine"): "--onnx FILE, --paddle DIR, --program",
        (*add, "Mine", "--weights", str(text)): "--weights goes with --architecture",
        (*add, "Mine", "--weights", str(text), "--architecture", "ResNot50"): "nearest: ResNet50",
        (
            *add,
            "Mine",
            "--weights",
            str(text),
            "--architecture",
            "VGG11",
        ): "weights file is refused",
        (*add, "mobilenetv1", "--onnx", str(onnx_file)): "the catalog has MobileNetV1 already",
        (*add, "no name", "--onnx", str(onnx_file)): "cannot name a model",
        (*add, "Mine", "--onnx", str(text)): "Mine cannot be used: the file is no ONNX file",
    }
    for arguments, words in cases.items():
        assert words in refused(*arguments, address=address)
    for stem in ("first", "second"):
        for suffix in (".pdmodel", ".pdiparams"):
            (folder / f"{stem}{suffix}").touch()
    assert "several programs (first, second)" in refused(
        *add, "Mine", "--paddle", str(folder), address=address
    )
    assert own_names(address) == []


def test_an_upload_that_is_not_what_was_announced_leaves_nothing(
    address: str, onnx_file: Path
) -> None:
    content = onnx_file.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    cases = {
        (content[:-9],): "ended 9 bytes early",
        (content, b"more"): "more bytes of Mine came than were announced",
        (content[:-1] + b"\0",): "are not those of its SHA-256",
        (): f"ended {len(content)} bytes early",
    }
    with grpc.insecure_channel(address) as channel:
        stub = query_pb2_grpc.QueryStub(channel)
        for blocks, words in cases.items():
            header = query_pb2.OwnModelHeader(
                name="Mine",
                format=query_pb2.OWN_FORMAT_ONNX,
                files=[query_pb2.OwnFile(size_bytes=len(content), sha256=digest)],
            )
            requests = [query_pb2.AddModelRequest(header=header)]
            requests += [query_pb2.AddModelRequest(chunk=block) for block in blocks]
            with pytest.raises(grpc.RpcError) as failure:
                stub.AddModel(iter(requests))
            assert failure.value.code() is grpc.StatusCode.INVALID_ARGUMENT
            assert words in str(failure.value.details())
        with pytest.raises(grpc.RpcError, match="begins with its header"):
            stub.AddModel(iter([query_pb2.AddModelRequest(chunk=content)]))
    assert own_names(address) == []


SENT_BYTES = 100_000


@contextmanager
def acting_once_sent(address: str, act: Callable[[], None]) -> Iterator[str]:
    """A way to the controller that holds what comes after `SENT_BYTES` back until it has acted."""
    host, _, port = address.rpartition(":")

    class Way(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection((host, int(port))) as controller:
                answering = threading.Thread(target=pump, args=(controller, self.request))
                answering.start()
                pump(self.request, controller, act)
                answering.join()

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Way) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()


def pump(source: socket.socket, sink: socket.socket, act: Callable[[], None] | None = None) -> None:
    """Hands on what comes until it ends; either side may hang up."""
    passed = 0
    with suppress(OSError):
        while block := source.recv(65_536):
            passed += len(block)
            if act is not None and passed >= SENT_BYTES:
                act()
                act = None
            sink.sendall(block)
        sink.shutdown(socket.SHUT_WR)


@pytest.mark.parametrize(
    ("becomes_folder", "words"),
    [(False, "cannot be read: No such file"), (True, "cannot be read: Is a directory")],
    ids=["vanishes", "becomes unreadable"],
)
def test_a_file_that_goes_while_it_is_sent_is_one_sentence(
    address: str, tmp_path: Path, becomes_folder: bool, words: str
) -> None:
    # Much more than what may be on its way while the rest is held back.
    (tmp_path / "net.pdmodel").write_bytes(bytes(12_000_000))
    parameters = tmp_path / "net.pdiparams"
    parameters.write_bytes(b"parameters")
    acted = threading.Event()

    def act() -> None:
        parameters.unlink()
        if becomes_folder:
            parameters.mkdir()
        acted.set()

    with acting_once_sent(address, act) as way:
        said = refused("models", "add", "Mine", "--paddle", str(tmp_path), address=way)
    assert acted.is_set()
    assert f"{parameters} {words}" in said
    assert own_names(address) == []
