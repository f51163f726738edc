"""`edgerank profile` through the real processes: table, trace, JSON; and what it refuses."""

import gzip
import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.integration.system.conftest import UNGATED
from tests.own_networks import FIXED_SHAPE, onnx_network, save_onnx
from tests.processes import edgerank, running, running_agent, running_controller

NAME = "PetalNet"
SCHEMA = Path(__file__).parents[3] / "docs" / "schemas" / "profile.json"


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("profile")


@pytest.fixture(scope="module")
def address(state: Path) -> Iterator[str]:
    """A controller that has an own model, with one agent."""
    file = save_onnx(onnx_network(FIXED_SHAPE), state / "petals.onnx")
    with (
        running_controller(state / "controller") as (_controller, address),
        running_agent(address, "pc", state / "agent"),
    ):
        added = edgerank("models", "add", NAME, "--onnx", str(file), address=address)
        assert added.returncode == 0, added.stderr
        yield address


def profile(address: str, *options: str) -> str:
    done = edgerank("profile", NAME, "--device", "pc", *UNGATED, *options, address=address)
    assert done.returncode == 0, done.stderr
    return done.stdout


def complete_events(text: bytes) -> list[dict[str, Any]]:
    """The events of a trace, each as Chrome's format says of complete ones."""
    events: list[dict[str, Any]] = json.loads(text)
    assert events
    for event in events:
        assert event["ph"] == "X"
        assert isinstance(event["name"], str)
        assert all(isinstance(event[key], int) for key in ("ts", "dur", "pid", "tid"))
    return events


def test_a_table_by_operator_and_nothing_written(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = " ".join(profile(address, "--runs", "5").split())
    assert "PetalNet on pc onnxruntime" in words
    assert "Medians of 5." in words
    assert "operator layers per run run, ms share Conv 1 1 " in words
    assert "trace" not in words
    assert list(tmp_path.iterdir()) == []


def test_a_trace_where_it_is_told(address: str, tmp_path: Path) -> None:
    trace = tmp_path / "petals.json.gz"
    words = " ".join(profile(address, "--runs", "5", "--trace", str(trace)).split())
    assert "open it at https://ui.perfetto.dev" in words
    assert list(tmp_path.iterdir()) == [trace]
    events = complete_events(gzip.decompress(trace.read_bytes()))
    assert sum(event["name"] == "model_run" for event in events) >= 5


def test_every_layer_and_a_trace_as_plain_json(address: str, tmp_path: Path) -> None:
    trace = tmp_path / "trace.json"
    trace.write_text("older")
    text = profile(address, "--runs", "3", "--threads", "1", "--by", "layer", "--trace", str(trace))
    words = " ".join(text.split())
    assert "layer operator output run, ms share" in words
    assert "MatMul_4 MatMul 1x10 0." in words
    complete_events(trace.read_bytes())
    assert list(tmp_path.iterdir()) == [trace]


def test_it_runs_as_it_is_told_and_says_so(address: str) -> None:
    told = ("--cores", "0", "--graph-optimization", "disabled", "--no-spinning", "--no-arena")
    text = profile(address, "--runs", "3", "--flush-denormals", *told)
    words = "core 0, denormals flushed, no graph optimization, no spinning, no arena"
    assert words in " ".join(text.split())


def test_json_is_what_its_schema_says_and_the_profile_is_kept(address: str, tmp_path: Path) -> None:
    trace = tmp_path / "trace.json.gz"
    told = ("--runs", "4", "--start-deadline", "5s", "--no-arena")
    document = json.loads(profile(address, *told, "--json", "--trace", str(trace)))
    Draft202012Validator(json.loads(SCHEMA.read_text("utf-8"))).validate(document)
    assert document["profile"]["times"]["run_count"] == 4
    assert document["profile"]["weights"] == "own"
    settings = document["profile"]["settings"]
    assert (settings["gate"]["deadline_ms"], settings["onnxruntime"]["arena"]) == (5_000, False)
    assert document["trace_path"] == str(trace)
    assert sum(each["share_percent"] for each in document["operators"]) == pytest.approx(100)

    again = tmp_path / "again.json.gz"
    profile_id = document["profile"]["profile_id"]
    stored = ("profile", "--stored", profile_id, "--json", "--trace", str(again))
    done = edgerank(*stored, address=address)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == document | {"trace_path": str(again)}
    assert again.read_bytes() == trace.read_bytes()

    done = edgerank(*stored[:-2], address=address)
    without = json.loads(done.stdout)
    Draft202012Validator(json.loads(SCHEMA.read_text("utf-8"))).validate(without)
    assert without == document | {"trace_path": None}
    # It ranks nowhere and is exported nowhere.
    best = edgerank("best", "--device", "pc", "--json", address=address)
    assert json.loads(best.stdout)["left_out"] == []
    exported = tmp_path / "all.json"
    assert edgerank("export", str(exported), address=address).returncode == 0
    assert json.loads(exported.read_text()) == []


def test_a_profile_outlives_who_asked_for_it_the_agent_and_the_controller(
    tmp_path: Path,
) -> None:
    file = save_onnx(onnx_network(FIXED_SHAPE), tmp_path / "petals.onnx")
    ask = ("profile", NAME, "--device", "pc", *UNGATED)
    with running_controller(tmp_path / "controller") as (_controller, address):
        assert edgerank("models", "add", NAME, "--onnx", str(file), address=address).stdout
        with running_agent(address, "pc", tmp_path / "agent"):
            pass
        # Its agent is gone, so it waits.
        with running(*ask, "--controller", address) as waiting:
            profile_id = waiting.output.wait_for(r"^profile (\w+)$")[1]
            waiting.process.send_signal(signal.SIGINT)
            waiting.output.wait_for("the profile goes on: ")
            assert waiting.process.wait(timeout=60) == 130
        with running(*ask, "--controller", address) as unwanted:
            cancelled_id = unwanted.output.wait_for(r"^profile (\w+)$")[1]
            assert edgerank("cancel", cancelled_id, address=address).returncode == 0
            unwanted.output.wait_for(f"error: profile {cancelled_id} was cancelled")
            assert unwanted.process.wait(timeout=60) == 4
    with (
        running_controller(tmp_path / "controller") as (_controller, address),
        running_agent(address, "pc", tmp_path / "agent"),
    ):
        stored = ("profile", "--stored", profile_id, "--trace", str(tmp_path / "trace.json"))
        done = edgerank(*stored, address=address)
        assert done.returncode == 0, done.stderr
        complete_events((tmp_path / "trace.json").read_bytes())


@pytest.mark.parametrize(
    ("arguments", "exit_code", "words"),
    [
        (("PetalNat", "--device", "pc"), 2, "no backbone is named 'PetalNat'; nearest: PetalNet"),
        ((NAME, "--device", "pd"), 2, "no device is named 'pd'; nearest: pc"),
        ((NAME, "--device", "pc", "--runtime", "tflite"), 2, "is not one of"),
        ((NAME, "--device", "pc", "--threads", "200"), 4, "cores; ask for at most"),
        ((NAME, "--device", "pc", "--runs", "0"), 2, "range"),
        ((NAME, "--device", "pc", "--runtime", "paddlelite"), 4, "added as ONNX"),
        (
            ("MobileNetV1", "--device", "pc", "--runtime", "paddlelite"),
            4,
            "built without its profiler (LITE_WITH_PROFILE)",
        ),
        ((NAME, "--device", "pc", "--cores", "999"), 4, "has no core 999"),
        ((NAME, "--device", "pc", "--execution-provider", "Fast"), 4, "Fast"),
        ((NAME, "--device", "pc", "--max-temperature", "500C"), 2, "at most 120 °C"),
        (
            (NAME, "--device", "pc", *UNGATED, "--input-size", "32"),
            4,
            "could not be profiled on pc",
        ),
        ((NAME, "--device", "pc", "--trace", "trace.txt"), 2, "ends in .json or .json.gz"),
        (
            (NAME, "--device", "pc", *UNGATED, "--trace", "/no/where.json"),
            2,
            "another with --trace",
        ),
        ((NAME,), 2, "its --device"),
        (("--stored", "nothing"), 2, "no profile has the id 'nothing'"),
        ((NAME, "--device", "pc", "--stored", "nothing"), 2, "either a backbone"),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, tuple) else "",
)
def test_what_cannot_be_profiled_is_refused_in_one_sentence(
    address: str, arguments: tuple[str, ...], exit_code: int, words: str
) -> None:
    done = edgerank("profile", *arguments, address=address)
    assert "Traceback" not in done.stdout + done.stderr
    assert done.stderr.count("error:") == 1, done.stderr
    assert words in " ".join(done.stderr.split())
    assert done.returncode == exit_code
