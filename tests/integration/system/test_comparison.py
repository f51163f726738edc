"""`edgerank compare` against a running fleet: its answers, its documents, its exit codes."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from jsonschema import Draft202012Validator

from controller.state.catalog import store_catalog
from controller.state.database import open_database
from models.catalog import load_catalog
from tests.integration.system.conftest import BACKBONES, System
from tests.integration.system.recorded import record_sweep
from tests.processes import edgerank, running_controller

SCHEMA = Path(__file__).parents[3] / "docs" / "schemas" / "comparison.json"
ONNX, LITE = "runtime:onnxruntime", "runtime:paddlelite"


def compared(address: str, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Exit code and document of a comparison."""
    done = edgerank("compare", *arguments, "--json", address=address)
    assert "Traceback" not in done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    Draft202012Validator(json.loads(SCHEMA.read_text())).validate(document)
    return done.returncode, document


class Remembered(NamedTuple):
    """A controller that remembers a sweep, a slower one, and one that is noisy besides."""

    address: str
    before: str
    after: str
    noisy: str


@pytest.fixture(scope="module")
def remembered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Remembered]:
    state_dir = tmp_path_factory.mktemp("regressed")
    engine = open_database(f"sqlite:///{state_dir / 'controller.sqlite'}")
    store_catalog(engine, load_catalog())
    factors = ((1.0, 1.0), (1.2, 1.2), (1.97, 2.03))
    before, after, noisy = (record_sweep(engine, *each) for each in factors)
    engine.dispose()
    with running_controller(state_dir) as (_controller, address):
        yield Remembered(address, before, after, noisy)


def test_a_regression_ends_with_its_own_exit_code(remembered: Remembered) -> None:
    address, before, after, _ = remembered
    code, found = compared(address, before, after, "--fail-on-regression", "5%")
    assert code == 5
    (pair,) = found["pairs"]
    assert (pair["change"], pair["is_regression"]) == ("slower", True)
    assert pair["ratio"] == pytest.approx(1.2)
    done = edgerank("compare", before, after, "--fail-on-regression", "5%", address=address)
    assert done.returncode == 5
    assert "regression" in done.stdout
    assert (
        "1 of 1 pairs are slower by more than 5 %: MobileNetV1 (onnxruntime, 1 thread, synthetic)"
        in " ".join(done.stderr.split())
    )


def test_no_exit_code_for_what_is_allowed_unasked_for_or_faster(
    remembered: Remembered,
) -> None:
    address, before, after, _ = remembered
    assert compared(address, before, after, "--fail-on-regression", "25%")[0] == 0
    assert compared(address, before, after)[0] == 0
    code, found = compared(address, after, before, "--fail-on-regression", "5%")
    assert (code, found["pairs"][0]["change"]) == (0, "faster")


def test_a_noisy_side_is_no_regression_and_says_so_unless_included(
    remembered: Remembered,
) -> None:
    address, before, _, noisy = remembered
    command = ("compare", before, noisy, "--fail-on-regression", "5%")
    done = edgerank(*command, address=address)
    assert done.returncode == 0
    assert "B is: 1 cannot tell (1 for noise)" in done.stdout
    assert "warning: 1 of 1 pairs were not checked for a regression" in done.stderr
    assert edgerank(*command, "--include-noisy", address=address).returncode == 5
    code, found = compared(*(address, *command[1:]))
    assert (code, found["pairs"][0]["undecided_by_noise"]) == (0, True)


def comparable(swept: dict[str, Any], runtime: str) -> set[str]:
    """The backbones that the machine did not throttle; on a busy one it may have."""
    return {
        job["backbone"]
        for job in swept["ended"]
        if job["runtime"] == runtime and job["verdict"] != "throttled" and not job["is_sentinel"]
    }


def test_a_sweep_is_the_same_as_itself(system: System, swept: dict[str, Any]) -> None:
    sweep = swept["sweep_id"]
    code, found = compared(system.address, sweep, sweep, "--fail-on-regression", "5%")
    assert code == 0
    paired = sorted((pair["a"]["backbone"], pair["a"]["runtime"]) for pair in found["pairs"])
    assert paired == sorted(
        (backbone, runtime)
        for runtime in ("onnxruntime", "paddlelite")
        for backbone in comparable(swept, runtime)
    )
    assert {pair["change"] for pair in found["pairs"]} == {"same"}
    assert {pair["ratio"] for pair in found["pairs"]} == {1}


def test_runtimes_are_compared_backbone_by_backbone(system: System, swept: dict[str, Any]) -> None:
    sweep = swept["sweep_id"]
    # The sweep is a quick one: whether its figures are noisy is not what this is about.
    sides = (f"{sweep},{ONNX}", f"{sweep},{LITE}", "--include-noisy")
    code, found = compared(system.address, *sides, "--device", "pc")
    assert code == 0
    both = comparable(swept, "onnxruntime") & comparable(swept, "paddlelite")
    assert sorted(pair["a"]["backbone"] for pair in found["pairs"]) == sorted(both)
    for pair in found["pairs"]:
        assert (pair["a"]["runtime"], pair["b"]["runtime"]) == ("onnxruntime", "paddlelite")
        assert pair["a"]["backbone"] == pair["b"]["backbone"]
        assert pair["ratio_low"] <= pair["ratio"] <= pair["ratio_high"]
        medians_ms = [pair[side]["latency"]["median_ms"] for side in ("a", "b")]
        assert pair["ratio"] == pytest.approx(medians_ms[1] / medians_ms[0])
    _, exchanged = compared(system.address, sides[1], sides[0], sides[2])
    for there, back in zip(found["pairs"], exchanged["pairs"], strict=True):
        assert back["ratio_low"] == pytest.approx(1 / there["ratio_high"])
    shown = edgerank("compare", ONNX, LITE, address=system.address)
    assert shown.returncode == 0, shown.stderr
    assert "onnxruntime to paddlelite" in shown.stdout


def test_a_version_and_a_date_choose_too(system: System, swept: dict[str, Any]) -> None:
    (version,) = {
        info["version"]
        for device in json.loads(edgerank("devices", "--json", address=system.address).stdout)
        for info in device["profile"]["runtimes"]
        if info["runtime"] == "onnxruntime"
    }
    both = (f"version:onnxruntime={version},{swept['sweep_id']}", f"after:2020-01-01,{ONNX}")
    code, found = compared(system.address, *both)
    assert code == 0
    assert len(found["pairs"]) == len(comparable(swept, "onnxruntime"))


def test_nothing_in_common_is_an_answer_with_its_own_code(
    system: System, swept: dict[str, Any]
) -> None:
    code, found = compared(system.address, swept["sweep_id"], "before:2020-01-01")
    assert code == 3
    assert found["pairs"] == []
    alone = [m for m in found["left_out"] if m["verdict"] != "throttled"]
    assert {m["reason"] for m in alone} == {"only A has it: B has no figure of it"}
    assert len(found["left_out"]) == 2 * len(BACKBONES)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nothing", ONNX), "no sweep has the id 'nothing'"),
        ((ONNX, "runtime:tflite"), "write paddlelite or onnxruntime"),
        ((ONNX, "since:2026-11-24"), "write a sweep's id, runtime:NAME"),
        ((ONNX, "after:soon"), "'soon' is no date; write 2026-11-24"),
        ((ONNX, LITE, "--device", "pd"), "no device is named 'pd'; nearest: pc"),
        ((ONNX, LITE, "--fail-on-regression", "5"), "write it as 2%"),
        ((ONNX, LITE, "--fail-on-regression", "-5%"), "write 0% or more"),
        ((ONNX, LITE, "--fail-on-regression", "1%"), "add --same-within 1%"),
    ],
)
def test_a_wrong_word_gets_what_would_be_right(
    system: System, arguments: tuple[str, ...], words: str
) -> None:
    done = edgerank("compare", *arguments, address=system.address)
    assert done.returncode == 2, done.stdout
    assert words in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
