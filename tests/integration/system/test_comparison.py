"""`edgerank compare` against a running fleet: its answers, its documents, its exit codes."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from jsonschema import Draft202012Validator

from protos.runtimes import Runtime
from tests.integration.controller.domain_samples import RUNTIME
from tests.integration.system.conftest import BACKBONES, System
from tests.processes import edgerank, running_controller
from tests.processes.states import begun_database
from tests.recorded import LITE_RATIO, record_sweep

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
    """A controller and its sweeps: one, a slower, a wide, a disturbed, and one of both runtimes."""

    address: str
    before: str
    after: str
    wide: str
    disturbed: str
    both: str


@pytest.fixture(scope="module")
def remembered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Remembered]:
    state_dir = tmp_path_factory.mktemp("regressed")
    database = begun_database(state_dir)
    factors = ((1.0, 1.0), (1.2, 1.2), (1.97, 2.03))
    before, after, wide = (record_sweep(database, *each) for each in factors)
    disturbed = record_sweep(database, 2.0, 2.0, waiting_share=0.3)
    both = record_sweep(database, 1.0, 1.0, backbones=BACKBONES, runtimes=tuple(Runtime))
    database.close()
    with running_controller(state_dir) as (_controller, address):
        yield Remembered(address, before, after, wide, disturbed, both)


def test_a_regression_ends_with_its_own_exit_code(remembered: Remembered) -> None:
    address, before, after = remembered[:3]
    code, found = compared(address, before, after, "--fail-on-regression", "5%")
    assert code == 5
    (pair,) = found["pairs"]
    assert (pair["change"], pair["is_regression"]) == ("slower", True)
    assert pair["ratio"] == pytest.approx(1.2)
    done = edgerank("compare", before, after, "--fail-on-regression", "5%", address=address)
    assert done.returncode == 5
    assert "regression" in done.stdout
    assert (
        "1 of 1 pair slower by more than 5 %: MobileNetV1 (onnxruntime, 1 thread, synthetic)"
        in " ".join(done.stderr.split())
    )


def test_no_exit_code_for_what_is_allowed_unasked_for_or_faster(
    remembered: Remembered,
) -> None:
    address, before, after = remembered[:3]
    assert compared(address, before, after, "--fail-on-regression", "25%")[0] == 0
    assert compared(address, before, after)[0] == 0
    code, found = compared(address, after, before, "--fail-on-regression", "5%")
    assert (code, found["pairs"][0]["change"]) == (0, "faster")


def test_a_wide_side_is_judged_by_the_interval(remembered: Remembered) -> None:
    address, before, wide = remembered.address, remembered.before, remembered.wide
    code, found = compared(address, before, wide, "--fail-on-regression", "5%")
    assert (code, found["pairs"][0]["change"]) == (5, "slower")
    assert found["pairs"][0]["b"]["verdict"] == "wide"


def test_where_every_pair_has_a_disturbed_side_the_check_has_not_passed(
    remembered: Remembered,
) -> None:
    address, before, disturbed = remembered.address, remembered.before, remembered.disturbed
    command = ("compare", before, disturbed, "--fail-on-regression", "5%")
    done = edgerank(*command, address=address)
    assert done.returncode == 3
    assert "B is: 1 cannot tell" in done.stdout
    assert "warning: 1 of 1 pair may hide a regression" in done.stderr
    assert "since a side is disturbed" in " ".join(done.stderr.split())
    assert edgerank(*command, "--include-disturbed", address=address).returncode == 5
    code, found = compared(*(address, *command[1:]))
    assert (code, found["pairs"][0]["undecided_by_verdict"]) == (3, True)
    # Unless asked for a regression, that it cannot be told is an answer.
    assert compared(address, before, disturbed)[0] == 0


def test_what_b_lost_is_said_where_a_regression_is_looked_for(remembered: Remembered) -> None:
    address, both = remembered.address, remembered.both
    command = ("compare", both, f"{both},{ONNX}")
    done = edgerank(*command, "--fail-on-regression", "5%", address=address)
    assert done.returncode == 0, done.stderr
    lost = ", ".join(f"{name} (paddlelite, 1 thread, synthetic)" for name in sorted(BACKBONES))
    assert f"warning: only A has a figure of {lost}\n" in done.stderr
    assert edgerank(*command, address=address).stderr == ""


def test_a_sweep_is_the_same_as_itself(remembered: Remembered) -> None:
    address, both = remembered.address, remembered.both
    code, found = compared(address, both, both, "--fail-on-regression", "5%")
    assert code == 0
    paired = sorted((pair["a"]["backbone"], pair["a"]["runtime"]) for pair in found["pairs"])
    assert paired == sorted(
        (name, runtime) for name in BACKBONES for runtime in ("onnxruntime", "paddlelite")
    )
    assert {pair["change"] for pair in found["pairs"]} == {"same"}
    assert {pair["ratio"] for pair in found["pairs"]} == {1}


def test_runtimes_are_compared_backbone_by_backbone(remembered: Remembered) -> None:
    address, both = remembered.address, remembered.both
    sides = (f"{both},{ONNX}", f"{both},{LITE}")
    code, found = compared(address, *sides, "--device", "phone")
    assert code == 0
    assert sorted(pair["a"]["backbone"] for pair in found["pairs"]) == sorted(BACKBONES)
    for pair in found["pairs"]:
        assert (pair["a"]["runtime"], pair["b"]["runtime"]) == ("onnxruntime", "paddlelite")
        assert pair["a"]["backbone"] == pair["b"]["backbone"]
        assert pair["ratio_low"] <= pair["ratio"] <= pair["ratio_high"]
        assert pair["ratio"] == pytest.approx(LITE_RATIO)
    _, exchanged = compared(address, sides[1], sides[0])
    for there, back in zip(found["pairs"], exchanged["pairs"], strict=True):
        assert back["ratio_low"] == pytest.approx(1 / there["ratio_high"])
    shown = edgerank("compare", ONNX, LITE, address=address)
    assert shown.returncode == 0, shown.stderr
    assert "onnxruntime to paddlelite" in shown.stdout


def test_a_version_and_a_date_choose_too(remembered: Remembered) -> None:
    address, both = remembered.address, remembered.both
    sides = (f"version:onnxruntime={RUNTIME.version},{both}", f"before:2020-01-01,{both},{ONNX}")
    code, found = compared(address, *sides)
    assert code == 0
    assert len(found["pairs"]) == len(BACKBONES)


def codes(left_out: dict[str, Any]) -> list[str]:
    """The codes of why something was left out."""
    return [reason["code"] for reason in left_out["reasons"]]


def test_nothing_in_common_is_an_answer_with_its_own_code(remembered: Remembered) -> None:
    # The sweeps are remembered as if they had ended in 1970.
    code, found = compared(remembered.address, remembered.both, "after:2020-01-01")
    assert code == 3
    assert found["pairs"] == []
    told = {(left["side"], *codes(left)) for left in found["left_out"]}
    assert told == {("a", "without_partner")}
    assert len(found["left_out"]) == 2 * len(BACKBONES)
    told_so = edgerank("compare", remembered.both, "after:2020-01-01", address=remembered.address)
    assert "while a sweep runs, figures count once their job has ended" in told_so.stderr


def test_every_figure_of_a_real_sweep_is_paired_or_named_with_its_reason(
    system: System, swept: dict[str, Any]
) -> None:
    sweep = swept["sweep_id"]
    _, found = compared(system.address, sweep, sweep, "--include-disturbed")
    assert {pair["change"] for pair in found["pairs"]} <= {"same"}
    # Both sides name what the machine throttled meanwhile, which only a quiet one does not.
    named = {
        (left["measurement"]["backbone"], left["measurement"]["runtime"])
        for left in found["left_out"]
        if codes(left)
    }
    paired = {(pair["a"]["backbone"], pair["a"]["runtime"]) for pair in found["pairs"]}
    measured = {
        (job["backbone"], job["runtime"]) for job in swept["ended"] if not job["is_sentinel"]
    }
    assert paired | named == measured
    assert not paired & named


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nothing", ONNX), "no sweep has the id 'nothing'"),
        ((ONNX, "runtime:tflite"), "write paddlelite or onnxruntime"),
        ((ONNX, "since:2026-11-24"), "write a sweep's id or name, runtime:NAME"),
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
