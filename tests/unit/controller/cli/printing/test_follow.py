"""Without a terminal each change is said, and each half minute what is waited for."""

import io
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from rich.console import Console

from controller.cli.printing.follow import follow_conversion, follow_sweep
from controller.cli.printing.telling import SILENT_S, Teller, looked_at
from controller.domain.conversions import ConversionSnapshot
from controller.domain.jobs import JobOutcome
from controller.domain.measurements import Verdict
from controller.domain.sweeps import (
    Activity,
    ActivityKind,
    Pause,
    SweepPhase,
    SweepSnapshot,
)
from models.catalog.precisions import Precision
from models.catalog.variants import WeightsKind
from protos.inputs import square
from protos.reasons import ReasonCode, reason
from protos.runtimes import Runtime

_on = partial(Activity, backbone="PPLCNet_x1_0", device="pc", runtime=Runtime.ONNXRUNTIME)
_fetching = partial(Activity, kind=ActivityKind.FETCHING_WEIGHTS, backbone="ResNet50")
CROWDED = reason(ReasonCode.CORES_TAKEN, load_by_others=1.27, most=0.5)
WAITING = _on(kind=ActivityKind.WAITING, waiting_for=CROWDED)


class Terminal:
    """A console with a clock that goes on when it is told to."""

    def __init__(self, *, is_terminal: bool) -> None:
        self.now_s = 0.0
        self.console = Console(
            file=io.StringIO(),
            width=40,
            force_terminal=is_terminal,
            get_time=lambda: self.now_s,
        )

    @property
    def lines(self) -> list[str]:
        assert isinstance(self.console.file, io.StringIO)
        return self.console.file.getvalue().splitlines()


def snapshot(*activities: Activity, ended: tuple[JobOutcome, ...] = ()) -> SweepSnapshot:
    return SweepSnapshot(
        sweep_id="sweep-1",
        phase=SweepPhase.MEASURING,
        artifacts_total=1,
        artifacts_done=1,
        jobs_total=2,
        jobs_queued=0,
        jobs_running=0,
        repetitions_total=10,
        repetitions_done=3,
        activities=activities,
        ended=ended,
    )


def outcome(backbone: str, **changes: Any) -> JobOutcome:
    fields: dict[str, Any] = {
        "job_id": backbone,
        "device": "pc",
        "backbone": backbone,
        "runtime": Runtime.ONNXRUNTIME,
        "threads": 1,
        "weights": WeightsKind.PRETRAINED,
        "precision": Precision.FP32,
        "input_size": square(224),
        "batch": 1,
        "verdict": Verdict.OK,
        "median_ms": 4.31,
        "low_ms": 4.28,
        "high_ms": 4.35,
    }
    return JobOutcome(**(fields | changes))


def lines_of(*snapshots: SweepSnapshot | None, is_terminal: bool = False) -> list[str]:
    terminal = Terminal(is_terminal=is_terminal)
    follow_sweep(snapshots, terminal.console)
    return terminal.lines


def test_each_change_of_what_is_done_is_a_line() -> None:
    changes = [
        _on(kind=ActivityKind.STARTING),
        WAITING,
        _on(kind=ActivityKind.MEASURING),
        _on(kind=ActivityKind.MEASURING, ordinal=1),
    ]
    lines = lines_of(*(snapshot(each) for each in changes for _ in range(2)))
    # What was handed to a device says soon what it does.
    assert len(lines) == len(changes) - 1
    assert all(line.startswith("3/10") and "pc" in line for line in lines)


def test_without_a_terminal_too_it_is_said_how_long_the_rest_takes() -> None:
    terminal = Terminal(is_terminal=False)

    def a_process_in_two_minutes() -> Iterator[SweepSnapshot]:
        for done in range(3, 6):
            ordinal = _on(kind=ActivityKind.MEASURING, ordinal=done)
            yield replace(snapshot(ordinal), repetitions_done=done)
            terminal.now_s += 120

    follow_sweep(a_process_in_two_minutes(), terminal.console)
    first, *others = terminal.lines
    assert "left" not in first
    assert [line.partition("  ")[0] for line in others] == [
        "4/10 processes, 12 min left",
        "5/10 processes, 10 min left",
    ]


def test_what_was_left_out_is_said_once_and_told_at_the_end() -> None:
    why = (reason(ReasonCode.ADDED_AS_ONNX, {"backbone": "Mine"}),)
    first = replace(snapshot(), left_out=why)
    terminal = Terminal(is_terminal=False)
    # The connection broke between them.
    result = follow_sweep([first, snapshot(), first, snapshot()], terminal.console)
    assert result.left_out == why
    assert "".join(terminal.lines).count("Mine") == 1


def test_figures_alone_are_no_change() -> None:
    busier = reason(ReasonCode.CORES_TAKEN, load_by_others=1.31, most=0.5)
    waiting = _on(kind=ActivityKind.WAITING, waiting_for=busier)
    assert len(lines_of(snapshot(WAITING), snapshot(waiting))) == 1
    terminal = Terminal(is_terminal=False)
    percents = (_fetching(done_bytes=done, total_bytes=100) for done in range(100))
    parts = [
        ConversionSnapshot(artifacts_total=1, artifacts_done=0, activity=each) for each in percents
    ]
    follow_conversion(parts, terminal.console, {})
    assert len(terminal.lines) == 1


def test_two_devices_and_two_conversions_are_told_apart() -> None:
    elsewhere = Activity(
        kind=ActivityKind.MEASURING, backbone="ResNet50", device="pi", runtime=Runtime.PADDLELITE
    )
    measuring = _on(kind=ActivityKind.MEASURING)
    first, second, third = lines_of(snapshot(WAITING, elsewhere), snapshot(measuring, elsewhere))
    assert (first.split()[2], second.split()[2], third.split()[2]) == ("pc:", "pi:", "pc:")
    converting = [
        Activity(kind=ActivityKind.CONVERTING, backbone=name, step="export")
        for name in ("A", "B", "A", "B")
    ]
    assert len(lines_of(*map(snapshot, converting))) == 2


@pytest.mark.parametrize(
    ("activities", "words"),
    [((WAITING,), ("pc", "1.27")), ((), ("device",))],
    ids=["a device waits", "nothing goes on"],
)
def test_what_is_waited_for_is_said_again(
    activities: tuple[Activity, ...], words: tuple[str, ...]
) -> None:
    terminal = Terminal(is_terminal=False)

    def minutes() -> Iterator[SweepSnapshot | None]:
        yield snapshot(*activities)
        before = len(terminal.lines)
        for _ in range(4):
            terminal.now_s += SILENT_S / 2
            yield None
        # Twice in four half times of silence.
        assert len(terminal.lines) == before + 2

    follow_sweep(minutes(), terminal.console)
    assert all(word in terminal.lines[-1] for word in words)


def test_on_a_terminal_bars_say_what_goes_on() -> None:
    terminal = Terminal(is_terminal=True)
    teller = Teller(terminal.console)
    teller.goes_on([WAITING], "1/2", "")
    teller.waits("waiting")
    terminal.now_s += SILENT_S
    teller.look()
    assert terminal.lines == []


@pytest.mark.parametrize("is_terminal", [False, True])
def test_a_result_is_one_line_with_its_interval(is_terminal: bool) -> None:
    ended = (outcome("MobileNetV3_large_x1_0"), outcome("ResNet50", threads=2, batch=4))
    lines = [each for each in lines_of(snapshot(ended=ended), is_terminal=is_terminal) if each]
    assert sum("4.31 ms [4.28, 4.35]" in line for line in lines) == len(ended)
    (line,) = [each for each in lines if "ResNet50" in each]
    assert "2 threads" in line
    assert "batch 4" in line


def test_reasons_stand_below_once_with_a_count() -> None:
    def wide(name: str, reached: float) -> JobOutcome:
        spread = reason(ReasonCode.SAMPLES_SPREAD, reached=reached, wanted=0.01)
        alone = reason(ReasonCode.ONE_PROCESS)
        return outcome(name, verdict=Verdict.WIDE, reasons=(spread, alone))

    refused = reason(ReasonCode.NOT_READY, deadline_ms=60_000)
    failed = outcome(
        "C", verdict=Verdict.FAILED, reasons=(refused, CROWDED), median_ms=None, low_ms=None
    )
    told = "\n".join(lines_of(snapshot(ended=(wide("A", 0.02), wide("B", 0.03), failed))))
    text = " ".join(told.split())
    assert text.count("one process") == 1
    assert "2 jobs, as A on pc" in text
    assert ("±2 %" in text, "±3 %" in text) == (True, False)
    assert "C on pc" in text
    assert text.count("1.27") == text.count("--max-load") == 1


def test_what_comes_is_passed_on_and_a_pause_is_told() -> None:
    come = threading.Event()

    def items() -> Iterator[str]:
        come.wait()
        yield "a"
        yield "b"

    looked = looked_at(items(), every_s=0.01)
    assert next(looked) is None
    come.set()
    assert [each for each in looked if each is not None] == ["a", "b"]


def test_what_goes_wrong_while_it_is_waited_for_is_raised() -> None:
    def items() -> Iterator[str]:
        yield "a"
        raise ConnectionError

    looked = looked_at(items())
    with pytest.raises(ConnectionError):
        list(looked)


def test_it_is_said_of_how_many_jobs_there_are_first_figures() -> None:
    measuring = snapshot(_on(kind=ActivityKind.MEASURING))
    (before,) = lines_of(measuring)
    (after,) = lines_of(replace(measuring, jobs_with_figures=3, jobs_total=8))
    assert "3/8" not in before
    assert "3/8" in after


def test_figures_so_far_are_a_line_when_they_are_first_or_clearly_narrower() -> None:
    def so_far(half_ms: float, **changes: Any) -> SweepSnapshot:
        wide = {"low_ms": 4.31 - half_ms, "high_ms": 4.31 + half_ms, "verdict": Verdict.WIDE}
        underway = reason(ReasonCode.STILL_MEASURED, repetitions=2)
        job = outcome("ResNet50", reasons=(underway,), **(wide | changes))
        return replace(snapshot(), underway=(job,))

    unknown = so_far(0.0, low_ms=None, high_ms=None, median_ms=None)
    sentinel = so_far(0.1, is_sentinel=True)
    told = lines_of(unknown, sentinel, so_far(0.9), so_far(0.7), so_far(0.5), so_far(0.4))
    lines = [line for line in told if line]
    assert ["ResNet50" in line and line.startswith("so far") for line in lines] == [True, True]
    assert "[3.41, 5.21]" in lines[0]
    assert "[3.81, 4.81]" in lines[1]


@pytest.mark.parametrize("is_terminal", [False, True])
def test_a_pause_is_said_once_with_who_did_it_and_so_is_its_end(is_terminal: bool) -> None:
    terminal = Terminal(is_terminal=is_terminal)
    paused = replace(snapshot(), paused=Pause(by="ann", since_unix_ms=0))
    follow_sweep([snapshot(), paused, paused, snapshot()], terminal.console)
    said = [line for line in terminal.lines if "the sweep " in line]
    assert len(said) == 2
    assert "by ann" in said[0]
    assert "resume sweep-1" in said[0]


def test_what_a_paused_sweep_waits_for_is_its_pause() -> None:
    terminal = Terminal(is_terminal=False)

    def moments() -> Iterator[SweepSnapshot | None]:
        yield replace(snapshot(), paused=Pause(by="ann", since_unix_ms=0))
        terminal.now_s += SILENT_S
        yield None

    follow_sweep(moments(), terminal.console)
    assert "paused by ann" in terminal.lines[-1]
