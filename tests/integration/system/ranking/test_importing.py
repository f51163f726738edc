"""What one controller measured and another one took in: two labs' figures in one place."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest
from click.testing import CliRunner

from controller.cli.options.files.measurement_file import read_measurements
from controller.cli.sweeps import results as results_command
from controller.client import QueryClient
from controller.client.access import AccessClient
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.measurements import MeasurementFilter
from controller.domain.measurements.imports import ImportHeader
from protos.codec import to_message
from protos.runtimes import Runtime
from protos.v1 import query_pb2, query_pb2_grpc
from tests.processes import edgerank, running_controller
from tests.processes.states import begun_database
from tests.recorded import record_sweep

BACKBONES = ("MobileNetV1", "MobileNetV2")


def _serve(state_dir: Path, *latency_factors: float) -> Any:
    database = begun_database(state_dir)
    if latency_factors:
        record_sweep(database, *latency_factors, backbones=BACKBONES, runtimes=tuple(Runtime))
    database.close()
    return running_controller(state_dir)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A controller that has measured two backbones on a phone, with both runtimes."""
    with _serve(tmp_path_factory.mktemp("lab-b"), 1.0, 1.01, 1.02) as (_controller, address):
        yield address


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A controller that has measured nothing."""
    with _serve(tmp_path_factory.mktemp("lab-a")) as (_controller, address):
        yield address


@pytest.fixture(scope="module")
def exported(measured: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("exported") / "results.jsonl"
    done = edgerank("export", str(path), address=measured)
    assert done.returncode == 0, done.stderr
    return path


def _best(device: str, address: str) -> tuple[Any, ...]:
    asked = ("best", "--device", device, "--by", "latency", "--json")
    winner = json.loads(edgerank(*asked, address=address).stdout)["winner"]["measurement"]
    kept = ("backbone", "runtime", "latency", "memory", "verdict", "top1", "artifact_sha256")
    return tuple(winner[each] for each in kept)


def _measurements(address: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(edgerank("results", "--json", address=address).stdout)
    return found


def test_pages_are_the_list_in_its_order_and_refuse_what_is_none(measured: str) -> None:
    wanted = MeasurementFilter(device="phone")
    with QueryClient(measured) as client:
        every = tuple(client.list_measurements(wanted))
        first = client.measurement_page(wanted, most=3)
        rest = client.measurement_page(wanted, most=3, after=first.last)
        behind = client.measurement_page(wanted, most=3, after=every[-1].measurement_id)
        assert (first.measurements, rest, behind) == (every[:3], (every[3:], None), ((), None))
        newest = client.measurement_page(wanted, most=3, newest_first=True)
        older = client.measurement_page(wanted, most=3, after=newest.last, newest_first=True)
        assert (*newest.measurements, *older.measurements) == every[::-1]
        assert tuple(client.newest_measurements(wanted)) == every[::-1]
        for asked, refused in (
            ((wanted, 0), ErrorCode.INVALID_INPUT),
            ((wanted, 1_001), ErrorCode.INVALID_INPUT),
            ((replace(wanted, with_samples=True), 1), ErrorCode.INVALID_INPUT),
            ((replace(wanted, with_underway=True), 1), ErrorCode.INVALID_INPUT),
            ((wanted, 1, "nobody's"), ErrorCode.UNKNOWN_NAME),
        ):
            with pytest.raises(EdgerankError) as failure:
                client.measurement_page(*asked)
            assert failure.value.code is refused


def test_results_are_the_newest_unless_all_are_asked_for(
    measured: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = len(_measurements(measured))
    monkeypatch.setattr(results_command, "MOST_SHOWN", count - 1)
    newest, every = (
        CliRunner().invoke(results_command.results, ["--controller", measured, *more])
        for more in ([], ["--all"])
    )
    assert (newest.exit_code, every.exit_code) == (0, 0)
    assert [each.output.count("phone, ") for each in (newest, every)] == [count - 1, count]


def test_what_is_imported_answers_as_where_it_was_measured_and_twice_adds_nothing(
    measured: str, other: str, exported: Path
) -> None:
    first = edgerank("import", str(exported), "--origin", "lab-b", address=other)
    assert first.returncode == 0, first.stderr
    assert _best("phone.lab-b", other) == _best("phone", measured)
    count = len(_measurements(other))
    assert count == len(_measurements(measured)) == 4
    again = edgerank("import", str(exported), "--origin", "lab-b", address=other)
    assert again.returncode == 0, again.stderr
    assert "4 known before" in again.stdout
    assert len(_measurements(other)) == count


def test_what_comes_home_is_known_there(measured: str, other: str, exported: Path) -> None:
    assert edgerank("import", str(exported), "--origin", "lab-b", address=other).returncode == 0
    # The list of JSON has everything, too.
    back = exported.with_name("back.json")
    assert edgerank("export", str(back), address=other).returncode == 0
    home = edgerank("import", str(back), "--origin", "lab-a", address=measured)
    assert home.returncode == 0, home.stderr
    assert len(_measurements(measured)) == 4
    names = [
        each["name"] for each in json.loads(edgerank("devices", "--json", address=measured).stdout)
    ]
    assert names == ["phone"]


def test_a_device_of_another_lab_is_marked_and_gets_no_jobs(other: str, exported: Path) -> None:
    assert edgerank("import", str(exported), "--origin", "lab-b", address=other).returncode == 0
    [device] = json.loads(edgerank("devices", "--json", address=other).stdout)
    assert (device["name"], device["origin"], device["connected"]) == (
        "phone.lab-b",
        "lab-b",
        False,
    )
    sweep = ("sweep", "--models", "MobileNetV1", "--devices", "phone.lab-b")
    refused = edgerank(*sweep, address=other)
    assert refused.returncode == 4
    assert "lab-b" in refused.stderr
    assert edgerank("devices", "replace", "phone.lab-b", address=other).returncode == 4
    actions = json.loads(edgerank("audit", "--json", address=other).stdout)
    assert "ImportMeasurements" in {each["action"] for each in actions}


def _with(change: Callable[[dict[str, Any]], object]) -> Callable[[Path, Path], None]:
    def damage(source: Path, target: Path) -> None:
        document = json.loads(source.read_text().splitlines()[0])
        change(document)
        target.write_text(json.dumps(document) + "\n")

    return damage


@pytest.mark.parametrize(
    "damage",
    [
        _with(lambda each: each.update(device="../../etc")),
        _with(lambda each: each.update(backbone="<script>")),
        _with(lambda each: each.update(artifact_sha256="0")),
        _with(lambda each: each.update(threads=-1)),
        _with(lambda each: each.update(verdict="excellent")),
        _with(lambda each: each.update(repetitions=[])),
        _with(lambda each: each["repetitions"][0].update(latency_ns=[0])),
        _with(lambda each: each["repetitions"][0].update(latency_ns=[10**15])),
        _with(lambda each: each["settings"].update(threads=7)),
        _with(lambda each: each.pop("runtime")),
        lambda _source, target: target.write_text("{"),
        lambda _source, target: target.write_bytes(b"\x00\xff" * 40),
    ],
)
def test_nothing_of_a_file_that_cannot_be_is_taken_in(
    damage: Callable[[Path, Path], object], measured: str, exported: Path, tmp_path: Path
) -> None:
    path = tmp_path / "damaged.jsonl"
    damage(exported, path)
    done = edgerank("import", str(path), "--origin", "lab-c", address=measured)
    assert done.returncode == 2, done.stdout
    assert "Traceback" not in done.stderr


def test_figures_are_of_the_samples_whatever_the_file_says(
    exported: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path / "boasting.jsonl"

    def boast(document: dict[str, Any]) -> None:
        document["latency"]["median_ms"] = 0.001
        document["verdict"] = "ok"

    _with(boast)(exported, path)
    with _serve(tmp_path_factory.mktemp("lab-d")) as (_controller, address):
        assert edgerank("import", str(path), address=address).returncode == 0
        [found] = _measurements(address)
    repetitions = json.loads(exported.read_text().splitlines()[0])["repetitions"]
    samples_ms = [ns / 1e6 for each in repetitions for ns in each["latency_ns"]]
    assert min(samples_ms) <= found["latency"]["median_ms"] <= max(samples_ms)
    assert found["device"] == "phone.boasting"


def _audited(address: str) -> list[str]:
    entries = json.loads(edgerank("audit", "--json", address=address).stdout)
    return [each["subject"] for each in entries if each["action"] == "ImportMeasurements"]


@pytest.mark.parametrize(
    ("second", "is_ended"), [("{", True), ('{"runtime": "none"}', True), (None, False)]
)
def test_of_an_import_that_is_cut_off_what_came_in_is_told_and_written_down(
    second: str | None,
    is_ended: bool,
    exported: Path,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    lines = exported.read_text().splitlines()
    if second is None:
        # One that the controller refuses, not the reader of the file.
        second = json.dumps(json.loads(lines[1]) | {"weights_digest": "0"})
    path = tmp_path / "half.jsonl"
    path.write_text("\n".join((lines[0], second, *lines[2:])) + "\n")
    with _serve(tmp_path_factory.mktemp("lab-e")) as (_controller, address):
        done = edgerank("import", str(path), address=address)
        assert (done.returncode, "Traceback" in done.stderr) == (2, False)
        assert "import the file again" in done.stderr
        assert len(_measurements(address)) == 1
        [subject] = _audited(address)
        assert subject.endswith("cut off after 1") is not is_ended
        again = edgerank("import", str(exported), "--origin", "half", address=address)
        assert "1 known before" in again.stdout


def test_of_an_import_whose_sender_goes_away_what_came_in_is_written_down(
    exported: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    header = ImportHeader(origin="lab-f", file_name="f.jsonl", file_sha256="5f" * 32)
    first = next(read_measurements(exported))
    came, gone = threading.Event(), threading.Event()
    with _serve(tmp_path_factory.mktemp("lab-f")) as (_controller, address):

        def parts() -> Iterator[query_pb2.ImportMeasurementsRequest]:
            told = to_message(header, query_pb2.ImportHeader)
            yield query_pb2.ImportMeasurementsRequest(header=told)
            message = to_message(first, query_pb2.Measurement)
            yield query_pb2.ImportMeasurementsRequest(measurement=message)
            came.set()
            gone.wait()

        with grpc.insecure_channel(address) as channel:
            call = query_pb2_grpc.QueryStub(channel).ImportMeasurements.future(parts())
            came.wait()
            with QueryClient(address) as client:
                while not list(client.list_measurements(MeasurementFilter())):
                    continue
            call.cancel()
            gone.set()
        with AccessClient(address) as watcher:
            while not (subjects := [each.subject for each in watcher.list_audit(9)]):
                continue
    # Messages that nobody goes on sending may look as if they had come to their end.
    [subject] = subjects
    assert subject.partition(", ")[2] in ("", "cut off after 1")


@pytest.mark.parametrize("name", ["results.csv", "results.parquet", "missing.jsonl"])
def test_what_does_not_carry_everything_is_refused(name: str, measured: str) -> None:
    assert edgerank("import", name, address=measured).returncode == 2
