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
from tests.integration.system.conftest import QUICK_SWEEP, System
from tests.own_networks import FIXED_SHAPE, onnx_network, save_onnx
from tests.processes import edgerank, running_agent, running_controller

NAME = "PetalNet"
HEADER = "name,dataset,metric,value,precision,source"


@pytest.fixture(scope="module")
def onnx_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_onnx(onnx_network(FIXED_SHAPE), tmp_path_factory.mktemp("own") / "petals.onnx")


@pytest.fixture
def address(system: System) -> Iterator[str]:
    yield system.address
    # Whatever a test tried, nothing of it is half there.
    uploads = system.state_dir / "controller" / "uploads"
    assert not uploads.exists() or not list(uploads.iterdir())


def refused(*arguments: str, address: str) -> str:
    done = edgerank(*arguments, address=address)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert done.stderr.count("error:") == 1
    return " ".join(done.stderr.split())


def own_names(address: str) -> list[str]:
    done = edgerank("models", "own", "--json", address=address)
    return [model["name"] for model in json.loads(done.stdout)]


def csv(path: Path, *rows: str) -> str:
    path.write_text("\n".join((HEADER, *rows)) + "\n")
    return str(path)


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


def test_accuracy_stays_with_its_file_when_a_model_goes(
    system: System, address: str, tmp_path: Path, onnx_file: Path
) -> None:
    other = save_onnx(onnx_network(), tmp_path / "other.onnx")

    def add(path: Path) -> None:
        add = ("models", "add", "Gone", "--onnx", str(path), "--input-size", "64")
        assert edgerank(*add, address=address).stdout

    def strayed() -> list[str]:
        names: list[str] = datasets(address)["gone"]["of_other_files"]
        return names

    add(onnx_file)
    file = csv(tmp_path / "gone.csv", "Gone,gone,top1,91.5,fp32,our own")
    assert edgerank("accuracy", "import", file, address=address).returncode == 0
    assert strayed() == []
    assert edgerank("models", "remove", "Gone", address=address).returncode == 0
    assert own_names(address) == []
    assert strayed() == ["Gone"]
    add(other)
    assert strayed() == ["Gone"]
    assert edgerank("models", "remove", "Gone", address=address).returncode == 0
    add(onnx_file)
    assert strayed() == []
    remove = ("models", "remove", "Gone", "--with-accuracy")
    assert edgerank(*remove, address=address).returncode == 0
    assert "named 'gone'" in refused(
        "best", "--device", "pc", "--accuracy", "gone", address=address
    )
    assert list((system.state_dir / "controller" / "weights" / "own").iterdir()) == []


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
        (*add, "Mine", "--paddle", str(folder)): "a .pdparams is a pickle of parameters without",
        (*add, "Mine", "--paddle", str(tmp_path)): "has no program with its parameters; if",
        (*add, "Mine"): "--onnx FILE, --paddle DIR, or --program",
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


def test_an_import_is_whole_or_nothing_and_replaces(address: str, tmp_path: Path) -> None:
    good = "PPLCNet_x1_0,leaves,top1,90,fp32,ours"
    half = csv(tmp_path / "half.csv", good, "PPLCNet_x1_00,leaves,top1,91,fp32,ours")
    said = refused("accuracy", "import", half, address=address)
    assert "half.csv: row 3, column name: no backbone is named 'PPLCNet_x1_00'; nearest:" in said
    assert "leaves" not in datasets(address)
    whole = csv(tmp_path / "whole.csv", good, "PPLCNet_x1_0,leaves,top5,99,int8-static,ours")
    for sentence in ("2 figures imported\n", "2 figures imported, 2 of them in place of earlier"):
        done = edgerank("accuracy", "import", whole, address=address)
        assert done.stdout.startswith(sentence)
    assert datasets(address)["leaves"] == {
        "name": "leaves",
        "backbone_count": 1,
        "figure_count": 2,
        "metrics": ["top1", "top5"],
        "precisions": ["fp32", "int8-static"],
        "input_sizes": [],
        "of_other_files": [],
    }


def datasets(address: str) -> dict[str, Any]:
    done = edgerank("accuracy", "list", "--json", address=address)
    return {each["name"]: each for each in json.loads(done.stdout)}


def test_a_file_that_is_too_large_or_missing_is_refused(address: str, tmp_path: Path) -> None:
    large = tmp_path / "large.csv"
    large.write_bytes(b"x" * 9_000_000)
    said = refused("accuracy", "import", str(large), address=address)
    assert "large.csv: it is larger than 8 MB" in said
    said = refused("accuracy", "import", str(tmp_path / "none.csv"), address=address)
    assert "none.csv: it cannot be read: No such file" in said


def test_an_unknown_dataset_gets_the_nearest(address: str) -> None:
    said = refused("best", "--device", "pc", "--accuracy", "imagenet-v2", address=address)
    assert "'imagenet-v2'; nearest: ImageNet-1k" in said


def test_any_name_of_imagenet_is_the_one_whose_published_figures_stay(
    address: str, tmp_path: Path
) -> None:
    published = csv(tmp_path / "published.csv", "MobileNetV1,imagenet,top1,70,fp32,lab")
    said = refused("accuracy", "import", published, address=address)
    assert "is published" in said
    unpublished = csv(tmp_path / "int8.csv", "MobileNetV1,imagenet,top1,70,int8,lab")
    done = edgerank("accuracy", "import", unpublished, address=address)
    assert (done.returncode, done.stdout) == (0, "1 figure imported\n")
    assert "imagenet is taken as ImageNet-1k" in done.stderr
    assert "imagenet" not in datasets(address)
    assert edgerank("export", str(tmp_path / "x.csv"), "--accuracy", "ilsvrc2012", address=address)


def test_a_table_of_timm_says_how_many_rows_are_of_a_backbone_here(
    address: str, tmp_path: Path
) -> None:
    table = tmp_path / "results-imagenet-real.csv"
    head = "model,top1,top1_err,img_size\n"
    table.write_text(f"{head}vit_giant.x,88,12,224\nMobileNetV1,78.1,21.9,224\n")
    done = edgerank("accuracy", "import", str(table), address=address)
    assert done.stdout.endswith("1 of 2 rows of timm's table name a backbone here\n")
    assert datasets(address)["imagenet-real"]["figure_count"] == 1
    table.write_text(f"{head}vit_giant.x,88,12,224\n")
    done = edgerank("accuracy", "import", str(table), address=address)
    assert done.returncode == 3
    assert "0 of 1 rows" in done.stderr
