"""`predict` of a controller that has measured: what its database tells of what it has not."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from controller.ranking.prediction.device import features_by_name
from controller.state.database import Database
from models.catalog.catalog import load_catalog
from models.catalog.features import load_features
from models.catalog.precisions import Precision
from protos.runtimes import Runtime
from tests.processes import edgerank, running_controller
from tests.processes.states import begun_database
from tests.recorded import record_sweep

FEATURES = features_by_name(load_catalog(), load_features())
SOME = tuple(name for name in sorted(FEATURES) if FEATURES[name].multiply_adds < 600e6)[::3]
MEASURED, LEFT = SOME[:14], SOME[14:17]
FEW = 3


def factor(name: str) -> float:
    """How many times a report's 5 ms it takes: the sum of a network's works."""
    does = FEATURES[name]
    return 0.2 + 3 * does.multiply_adds / 1e9 + does.traffic_bytes / 5e8


def record(database: Database, names: tuple[str, ...], times: float = 1.0, **changes: Any) -> None:
    for name in names:
        ratio = times * factor(name)
        record_sweep(database, ratio, ratio * 1.01, backbones=(name,), **changes)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A controller with a phone that measured many, a board that measured few, and a new one.

    A tablet measured in two precisions.
    """
    state_dir: Path = tmp_path_factory.mktemp("controller")
    database = begun_database(state_dir)
    # Measured twice: only the second is learned from.
    record(database, MEASURED[:4], 7.0)
    record(database, MEASURED, runtimes=(Runtime.ONNXRUNTIME, Runtime.PADDLELITE))
    record(database, MEASURED[:FEW], 2.0, device="board")
    for times, precision in ((1.0, Precision.FP32), (0.5, Precision.INT8_DYNAMIC)):
        record(database, MEASURED, times, device="tablet", precisions=(precision,))
    database.close()
    with running_controller(state_dir) as (_controller, told):
        yield told


def asked(address: str, *arguments: str, code: int = 0) -> Any:
    done = edgerank("predict", *arguments, "--json", address=address)
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


def test_what_was_measured_tells_of_what_was_not(address: str) -> None:
    told = asked(address, "--device", "phone", *LEFT)
    onnx, lite = told["settings"]
    assert (onnx["runtime"], lite["runtime"]) == ("onnxruntime", "paddlelite")
    for setting in (onnx, lite):
        assert sorted(setting["rests_on"]) == sorted(MEASURED)
        assert len(setting["predicted"]) + len(setting["unpredicted"]) == len(LEFT)
    assert onnx["predicted"]
    for each in onnx["predicted"]:
        latency = each["latency_ms"]
        assert latency["low"] <= latency["value"] <= latency["high"]
        assert latency["value"] == pytest.approx(5 * factor(each["backbone"]), rel=0.2)
        assert each["peak_rss_bytes"]["value"] > 0
    assert onnx["latency_errors"]["mean"] < 0.1
    assert told["suggested_sweep"] is None


def test_another_precision_is_predicted_where_it_is_asked_for(address: str) -> None:
    plain, int8 = (
        asked(address, "--device", "tablet", *LEFT, *precision)["settings"]
        for precision in ((), ("--precision", "int8-dynamic"))
    )
    assert [each["precision"] for each in (*plain, *int8)] == ["fp32", "int8-dynamic"]
    assert not any("int8" in each for each in plain[0]["settings"])
    fp32_ms = {each["backbone"]: each["latency_ms"]["value"] for each in plain[0]["predicted"]}
    assert int8[0]["predicted"]
    for each in int8[0]["predicted"]:
        ratio = each["latency_ms"]["value"] / fp32_ms[each["backbone"]]
        assert ratio == pytest.approx(0.5, rel=0.2)
        # What is published is of fp32.
        assert each["top1"] is None
    published = {each.name: each.top1 for each in load_catalog()}
    for each in plain[0]["predicted"]:
        assert each["top1"] == published[each["backbone"]]


def test_the_whole_catalog_is_answered_backbone_by_backbone(address: str) -> None:
    told = asked(address, "--device", "phone", "--runtime", "onnxruntime", "--threads", "1")
    (setting,) = told["settings"]
    named = [each["backbone"] for each in (*setting["predicted"], *setting["unpredicted"])]
    assert sorted([*named, *MEASURED]) == sorted(each.name for each in load_catalog())
    latencies = [each["latency_ms"]["value"] for each in setting["predicted"]]
    assert latencies == sorted(latencies)


def test_of_too_few_it_is_said_how_many_and_what_to_sweep(address: str) -> None:
    told = asked(address, "--device", "board", *LEFT, code=3)
    (setting,) = told["settings"]
    assert {each["reason"]["code"] for each in setting["unpredicted"]} == {
        "prediction_few_measured"
    }
    assert setting["unpredicted"][0]["reason"]["figures"] == {"measured": FEW, "needed": 8}
    assert not set(told["suggested_sweep"]["backbones"]) & set(MEASURED[:FEW])


def test_nothing_predicted_is_ranked_or_exported(address: str, tmp_path: Path) -> None:
    assert asked(address, "--device", "phone", *LEFT)["settings"][0]["predicted"]
    done = edgerank("best", "--device", "phone", "--json", address=address)
    assert done.returncode == 0, done.stderr
    assert not any(name in done.stdout for name in LEFT)
    exported = tmp_path / "all.json"
    assert edgerank("export", str(exported), address=address).returncode == 0
    assert {each["backbone"] for each in json.loads(exported.read_text())} == set(MEASURED)


def test_a_person_reads_each_figure_with_its_mark(address: str) -> None:
    done = edgerank("predict", "--device", "phone", *LEFT, address=address)
    assert done.returncode == 0, done.stderr
    assert "~" in done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("--device", "watch"),
        ("--device", "phone", "NoSuchNet"),
        ("--device", "phone", "--confidence", "10%"),
        ("--device", "phone", "--precision", "int8"),
    ],
)
def test_what_cannot_be_asked_says_why(address: str, arguments: tuple[str, ...]) -> None:
    done = edgerank("predict", *arguments, address=address)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False), done.stderr


def test_models_of_a_device_show_what_was_measured_beside_what_is_predicted(address: str) -> None:
    asked_for = ("models", "--device", "phone", "--runtime", "onnxruntime", "--json")
    done = edgerank(*asked_for, address=address)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["runtime"], told["threads"]) == ("onnxruntime", 1)
    rows = {each["backbone"]["name"]: each for each in told["backbones"]}
    assert sorted(rows) == sorted(each.name for each in load_catalog())
    assert {name for name, each in rows.items() if each["measured"]} == set(MEASURED)
    for each in rows.values():
        kinds = (each["measured"], each["predicted_latency_ms"], each["unpredicted"])
        assert sum(kind is not None for kind in kinds) == 1
    assert rows[MEASURED[0]]["measured"]["latency_ms"] == pytest.approx(
        5 * factor(MEASURED[0]), 0.1
    )
    assert any(rows[name]["predicted_latency_ms"] for name in LEFT)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--device", "phone", "--threads", "7"), 3),
        (("--device", "watch"), 2),
        (("--threads", "2"), 2),
    ],
)
def test_models_of_what_nothing_is_known_of_say_so(
    address: str, arguments: tuple[str, ...], code: int
) -> None:
    done = edgerank("models", *arguments, address=address)
    assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr
    if code == 3:
        # In the words of the command that names the sweep for just that.
        assert "edgerank predict --device phone --threads 7" in done.stderr


def test_what_might_be_better_stands_apart_from_what_was_measured(address: str) -> None:
    arguments = ("best", "--device", "phone", "--by", "accuracy", "--include-predicted")
    done = edgerank(*arguments, "--include-published", "--json", address=address)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    ranked = {told["ranking"]["winner"]["measurement"]["backbone"]}
    ranked |= {each["measurement"]["backbone"] for each in told["ranking"]["others"]}
    predicted = told["predicted"]
    offered = {each["backbone"] for each in predicted["candidates"]}
    assert ranked <= set(MEASURED)
    assert offered
    assert not offered & ranked
    best = told["ranking"]["winner"]["measurement"]["top1"]
    assert all(
        each["top1"] > best for each in predicted["candidates"] if each["prospect"] == "winner"
    )
    assert set(predicted["suggested_sweep"]["backbones"]) == offered
    assert all(set(each["rests_on"]) == set(MEASURED) for each in predicted["rests_on"])
    assert told["published"] == {
        "published_devices": [],
        "candidates": [],
        "candidate_count": 0,
        "unheld": [],
    }
    plain = json.loads(edgerank("best", "--device", "phone", "--json", address=address).stdout)
    assert "predicted" not in plain
    page = edgerank(*arguments, address=address).stdout
    assert page.index("Pareto front") < page.index("~ ")


@pytest.mark.parametrize(
    "arguments",
    [
        ("--each-device",),
        ("--device", "phone", "--at-minute", "3"),
        ("--device", "phone", "--paced", "30fps"),
        ("--device", "phone", "--accuracy", "flowers"),
    ],
)
def test_of_other_questions_nothing_stands_beside(address: str, arguments: tuple[str, ...]) -> None:
    done = edgerank("best", *arguments, "--include-predicted", address=address)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False), done.stderr
