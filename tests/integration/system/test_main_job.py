"""The main job: convert, push, measure, merge with accuracy, rank, export, report."""

import csv
import json
from pathlib import Path
from typing import Any

import grpc
import pyarrow.parquet as pq
import pytest

from controller.domain.measurements import MeasurementFilter
from controller.state.database import open_database
from controller.state.measurements import list_measurements
from models.catalog.catalog import load_catalog
from protos.v1 import fleet_pb2, fleet_pb2_grpc
from tests.integration.system.conftest import BACKBONES, System
from tests.processes import edgerank

BEST = ("best", "--device", "pc")


def asked(system: System, *arguments: str) -> Any:
    """What a command prints as JSON."""
    done = edgerank(*arguments, "--json", address=system.address)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_backbone_is_measured_in_both_runtimes(swept: dict[str, Any]) -> None:
    assert swept["phase"] == "ended"
    sentinel, *candidates = sorted(swept["ended"], key=lambda job: not job["is_sentinel"])
    assert (sentinel["is_sentinel"], sentinel["backbone"]) == (True, "MobileNetV1_x0_25")
    assert {(job["backbone"], job["runtime"]) for job in candidates} == {
        (backbone, runtime) for backbone in BACKBONES for runtime in ("paddlelite", "onnxruntime")
    }
    assert {job["verdict"] for job in swept["ended"]} <= {"ok", "wide", "disturbed", "throttled"}
    assert all(job["median_ms"] > 0 for job in swept["ended"])


def test_a_figure_has_its_context(system: System, swept: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "all.json"
    edgerank("export", str(path), "--sweep", swept["sweep_id"], address=system.address)
    for figure in json.loads(path.read_text()):
        assert figure["device"] == "pc"
        assert figure["weights"] == "synthetic"
        assert len(figure["weights_digest"]) == len(figure["artifact_sha256"]) == 64
        assert figure["runtime_version"]
        assert figure["busy_threads"] == figure["threads"] == 1
        assert figure["max_relative_difference"] <= 1e-4
        # What the device computed, in every process that counts.
        outputs = figure["outputs"]
        assert outputs["max_relative_difference"] <= figure["output_tolerance"] <= 5e-4
        assert 0 < outputs["l2_relative_difference"] <= 1e-4
        assert outputs["top1_agreement"] == 1.0
        assert outputs["repetition_count"] == figure["latency"]["repetition_count"]
        assert all(taken["output_check"]["input_count"] == 4 for taken in figure["repetitions"])
        assert figure["latency"]["low_ms"] <= figure["latency"]["median_ms"]
        assert figure["latency"]["median_ms"] <= figure["latency"]["high_ms"]
        assert figure["memory"]["peak_rss_bytes"] > 0
        assert figure["memory"]["pss_bytes"] > 0
        assert figure["top1"] == load_catalog().get(figure["backbone"]).top1
        # What was taken while the sentinel drifted was taken again, and counts where it is needed.
        steady = [taken for taken in figure["repetitions"] if not taken["is_suspect"]]
        counted = steady if len(steady) >= 2 else figure["repetitions"]
        assert len(counted) == figure["latency"]["repetition_count"] >= 2
        samples = sum(len(taken["latency_ns"]) for taken in counted)
        assert samples == figure["latency"]["sample_count"] > 0


def test_the_best_is_the_most_accurate_and_says_why_others_lost(
    system: System, swept: dict[str, Any]
) -> None:
    assert swept["ended"]
    # Of two that trade accuracy for latency, noise decides which is the better value.
    most_accurate = (*BEST, "--by", "accuracy")
    ranking = asked(system, *most_accurate)
    assert ranking["winner"]["measurement"]["backbone"] == "MobileNetV3_small_x1_0"
    losers = [*ranking["others"], *ranking["pareto_front"], *ranking["ties"]]
    assert {loser["measurement"]["backbone"] for loser in losers} >= {"PPLCNet_x0_25"}
    shown = edgerank(*most_accurate, address=system.address).stdout
    assert "MobileNetV3_small_x1_0" in shown
    assert "Pareto front" in shown
    assert "synthetic" in shown


def test_constraints_choose_another_winner(system: System, swept: dict[str, Any]) -> None:
    by_backbone: dict[str, list[float]] = {}
    ranking = asked(system, *BEST, "--min-top1", "1")
    for candidate in (ranking["winner"], *ranking["others"], *ranking["pareto_front"]):
        figure = candidate["measurement"]
        by_backbone.setdefault(figure["backbone"], []).append(figure["latency"]["median_ms"])
    # With only an accuracy asked for, the fastest wins.
    fastest = min(by_backbone, key=lambda backbone: min(by_backbone[backbone]))
    assert ranking["winner"]["measurement"]["backbone"] == fastest
    assert swept["phase"] == "ended"


def test_an_impossible_constraint_says_which_sweep_would_help(
    system: System, swept: dict[str, Any]
) -> None:
    assert swept["ended"]
    done = edgerank(*BEST, "--min-top1", "80", address=system.address)
    assert done.returncode == 3
    assert "edgerank sweep --models" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_what_is_converted_is_never_converted_again(system: System, swept: dict[str, Any]) -> None:
    assert swept["ended"]
    outcomes = asked(system, "convert", "PPLCNet_x0_25", "--weights", "synthetic")
    # The sweep made x86 and onnx; arm is made now, and all three are found the next time.
    assert {(o["target"], o["result"]) for o in outcomes} >= {("x86", "cached"), ("any", "cached")}
    again = asked(system, "convert", "PPLCNet_x0_25", "--weights", "synthetic")
    assert [outcome["result"] for outcome in again] == ["cached"] * 3
    arm = next(outcome for outcome in again if outcome["target"] == "arm")
    assert arm["checked_through"] == "x86 twin"


def test_exports_hold_every_measurement(
    system: System, swept: dict[str, Any], tmp_path: Path
) -> None:
    for suffix in ("csv", "json", "parquet"):
        done = edgerank(
            "export",
            str(tmp_path / f"all.{suffix}"),
            "--sweep",
            swept["sweep_id"],
            address=system.address,
        )
        assert done.stdout.startswith("4 measurements written"), done.stderr
    with (tmp_path / "all.csv").open(newline="") as rows:
        from_csv = [row["measurement_id"] for row in csv.DictReader(rows)]
    table = pq.read_table(tmp_path / "all.parquet")
    from_json = [row["measurement_id"] for row in json.loads((tmp_path / "all.json").read_text())]
    assert from_csv == from_json == table.column("measurement_id").to_pylist()


def test_the_report_is_one_page_without_addresses(
    system: System, swept: dict[str, Any], tmp_path: Path
) -> None:
    assert swept["ended"]
    path = tmp_path / "report.html"
    done = edgerank("report", "--device", "pc", "-o", str(path), address=system.address)
    assert done.returncode == 0, done.stderr
    page = path.read_text()
    assert "MobileNetV3_small_x1_0" in page
    assert 'src="http' not in page


def test_devices_say_what_they_are(system: System) -> None:
    (device,) = asked(system, "devices")
    assert (device["name"], device["connected"]) == ("pc", True)
    assert {info["runtime"] for info in device["profile"]["runtimes"]} == {
        "paddlelite",
        "onnxruntime",
    }


def test_one_device_is_told_whole_and_found_by_the_controller_named_before(
    system: System,
) -> None:
    build = asked(system, "devices")[0]["profile"]["runtimes"][0]["build"]
    listed = edgerank("devices", address=system.address)
    assert build not in listed.stdout
    shown = edgerank("devices", "--controller", system.address, "show", "pc")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "".join(build.split()) in "".join(shown.stdout.split())
    failed = edgerank("devices", "show", "PC", address=system.address)
    assert (failed.returncode, "nearest: pc" in failed.stderr) == (2, True)


def test_an_artifact_arrives_from_any_offset(system: System, swept: dict[str, Any]) -> None:
    database = open_database(f"sqlite:///{system.state_dir / 'controller' / 'controller.sqlite'}")
    wanted = MeasurementFilter(sweep_id=swept["sweep_id"])
    figure = list_measurements(database, wanted)[0]
    database.close()
    with grpc.insecure_channel(system.address) as channel:
        fetch = fleet_pb2_grpc.FleetStub(channel).FetchArtifact

        def fetched(offset_bytes: int) -> bytes:
            request = fleet_pb2.FetchArtifactRequest(
                sha256=figure.artifact_sha256, offset_bytes=offset_bytes
            )
            return b"".join(response.chunk for response in fetch(request, timeout=30))

        whole = fetched(0)
        assert len(whole) == figure.artifact_size_bytes
        assert fetched(len(whole) - 5) == whole[-5:]
        assert fetched(len(whole)) == b""
        with pytest.raises(grpc.RpcError, match="past the end"):
            fetched(len(whole) + 1)


def test_a_sweep_can_be_followed_again_and_a_cancelled_one_says_so(
    system: System, swept: dict[str, Any]
) -> None:
    followed = asked(system, "follow", swept["sweep_id"][:11])
    assert followed["ended"] == swept["ended"]
    done = edgerank("cancel", swept["sweep_id"], address=system.address)
    assert done.returncode == 0
    # A sweep that has ended stays so.
    assert asked(system, "follow", swept["sweep_id"])["phase"] == "ended"


def test_a_sweep_and_its_figures_are_found_again(system: System, swept: dict[str, Any]) -> None:
    sweep_id = swept["sweep_id"]
    (listed,) = [each for each in asked(system, "sweeps") if each["sweep_id"] == sweep_id]
    jobs = [each for each in swept["ended"] if not each["is_sentinel"]]
    assert listed["jobs_ended"] == listed["jobs_total"] == len(jobs)
    assert (listed["phase"], listed["devices"]) == ("ended", ["pc"])
    found = asked(system, "results", "--sweep", sweep_id[:11])
    assert {each["job_id"] for each in found} == {each["job_id"] for each in jobs}
    backbone = jobs[0]["backbone"]
    only = asked(system, "results", "--sweep", sweep_id, "--backbone", backbone)
    assert {each["backbone"] for each in only} == {backbone}
    assert edgerank("results", "--backbone", "Nothing", address=system.address).returncode == 2


def test_a_device_has_the_name_that_a_person_gives_it(system: System) -> None:
    for old, new in (("pc", "kitchen"), ("kitchen", "pc")):
        done = edgerank("devices", "rename", old, new, address=system.address)
        assert done.returncode == 0, done.stderr
        assert [device["name"] for device in asked(system, "devices")] == [new]
