"""Follows a sweep or a conversion on the terminal: bars, a line for each thing that ended."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from controller.cli.printing.folding import print_folded
from controller.cli.printing.telling import Teller
from controller.domain.conversions import ConversionOutcome, ConversionResult, ConversionSnapshot
from controller.domain.devices import DeviceCondition
from controller.domain.jobs import JobOutcome
from controller.domain.measurements import Verdict, per_image_ms
from controller.domain.quantities import format_memory
from controller.domain.sweeps import (
    RUNNING_PHASES,
    Activity,
    Pause,
    SweepPhase,
    SweepSnapshot,
)
from controller.views.activities import activities_words, activity_words
from controller.views.counting import counted
from controller.views.device_words import absent_words, emulator_words
from controller.views.input_words import images_words
from controller.views.reasons.folding import folded_reasons, left_out_lines
from controller.views.settings_words import target_words
from controller.views.sweeps.narrowing import Narrowing, is_underway
from controller.views.sweeps.words import pause_words, time_words
from controller.views.wording import median_words, per_image_words
from models.catalog.precisions import Precision
from models.catalog.variants import Variant, WeightsKind
from protos.reasons import Reason

_VERDICT_STYLES = {
    Verdict.OK: "green",
    Verdict.WIDE: "yellow",
    Verdict.DISTURBED: "yellow",
    Verdict.THROTTLED: "yellow",
}
_WAITING_TO_CONVERT = "waiting for weights, or for room to convert"
_RESULT_STYLES = {
    ConversionResult.STORED: "green",
    ConversionResult.CACHED: "dim",
    ConversionResult.REFUSED: "red",
    ConversionResult.FAILED: "red",
    ConversionResult.CHECKED: "cyan",
}


def follow_sweep(snapshots: Iterable[SweepSnapshot | None], console: Console) -> SweepSnapshot:
    """Shows a sweep until it has ended; gives the last snapshot, with all that was told before.

    None among the snapshots is a moment in which nothing came: where there is no terminal, what is
    waited for is said now and then. In such a moment this ends, too, when all that is left waits
    for devices in quarantine: nobody may be there who could wake them.
    """
    ended: list[JobOutcome] = []
    last: SweepSnapshot | None = None
    paused: Pause | None = None
    left_out: tuple[Reason, ...] = ()
    with _progress(console, MofNCompleteColumn()) as progress:
        teller, narrowing = Teller(progress.console), Narrowing()
        artifacts = progress.add_task("artifacts", total=None, activity="")
        repetitions = progress.add_task("processes", total=None, activity="")
        for snapshot in snapshots:
            if snapshot is None:
                teller.look()
                if last is not None and _waits_in_vain(last):
                    break
                continue
            last = snapshot
            # After a connection broke it is told again.
            if last.left_out and last.left_out != left_out:
                left_out = last.left_out
                for line in left_out_lines(left_out):
                    teller.say(Text(line))
            if last.paused != paused and last.phase in RUNNING_PHASES:
                paused = last.paused
                teller.say(Text(_pause_line(paused, last.sweep_id)))
            _advance(progress, artifacts, last.artifacts_done, last.artifacts_total)
            # Not jobs: their repetitions take turns, so that most jobs end near the end.
            _advance(progress, repetitions, last.repetitions_done, last.repetitions_total)
            # A conversion has no device; devices measure while others are made.
            made = [each for each in last.activities if not each.device]
            measured = [each for each in last.activities if each.device]
            progress.update(artifacts, activity=activities_words(made))
            racing = [] if last.still_racing is None else [f"{last.still_racing} in the race"]
            absent = absent_words(last.absent) if last.absent else ""
            racing += filter(None, [activities_words(measured) or absent])
            progress.update(repetitions, activity=", ".join(racing))
            for outcome in last.ended:
                teller.say(_job_line(outcome))
            ended.extend(last.ended)
            for outcome in narrowing.told_anew(last.underway):
                teller.say(_job_line(outcome))
            if last.phase in RUNNING_PHASES:
                teller.held_up(last.held_up)
                teller.goes_on(last.activities, *_how_far(last, _left_ms(progress, repetitions)))
    assert last is not None  # The controller answers with a snapshot or with an error.
    _print_reasons(console, ended)
    return replace(last, ended=tuple(ended), left_out=left_out)


def _waits_in_vain(snapshot: SweepSnapshot) -> bool:
    """Whether nothing goes on, and what is left waits for devices in quarantine only."""
    is_still = not (snapshot.jobs_running or snapshot.activities or snapshot.paused)
    conditions = {each.standing.condition for each in snapshot.held_up}
    return (
        snapshot.phase is SweepPhase.MEASURING
        and is_still
        and conditions == {DeviceCondition.QUARANTINED}
    )


def _pause_line(paused: Pause | None, sweep_id: str) -> str:
    if paused is None:
        return "the sweep goes on"
    return f"the sweep is {pause_words(paused)}; 'edgerank resume {sweep_id}' lets it go on"


def _left_ms(progress: Progress, task: TaskID) -> int | None:
    """How long the rest takes at the speed so far, ms; None as long as there is no speed."""
    left_s = progress.tasks[task].time_remaining
    return None if left_s is None else round(1_000 * left_s)


def _how_far(snapshot: SweepSnapshot, left_ms: int | None) -> tuple[str, str]:
    """How far a sweep is, and what it waits for when nothing goes on."""
    made = f"{snapshot.artifacts_done}/{snapshot.artifacts_total} artifacts"
    is_converting = snapshot.phase is SweepPhase.CONVERTING
    if is_converting and not snapshot.repetitions_done:
        return made, "waiting for the converters"
    far = f"{snapshot.repetitions_done}/{snapshot.repetitions_total} processes"
    if is_converting:
        far = f"{made}, {far}"
    if snapshot.jobs_with_figures:
        far += f", first figures of {snapshot.jobs_with_figures}/{snapshot.jobs_total}"
    if snapshot.still_racing is not None:
        # Its rounds are planned one after the other, so nobody knows how many follow.
        far += f", {snapshot.still_racing} still in the race"
    elif left_ms is not None and snapshot.paused is None:
        far += f", {time_words(left_ms)} left"
    if snapshot.paused is not None:
        return far, pause_words(snapshot.paused)
    if is_converting:
        return far, "waiting for the converters"
    if snapshot.absent:
        return far, absent_words(snapshot.absent)
    return far, "waiting for a device that is connected and free"


def _print_reasons(console: Console, ended: Sequence[JobOutcome]) -> None:
    """Prints why verdicts are what they are, each reason once."""
    told = ((f"{each.backbone} on {each.device}", each.reasons) for each in ended)
    print_folded(console, folded_reasons(told, "job"))


def follow_conversion(
    snapshots: Iterable[ConversionSnapshot | None], console: Console, costs: Mapping[Variant, float]
) -> tuple[ConversionOutcome, ...]:
    """Shows a conversion until it has ended; gives what became of each variant.

    `costs` are the expected seconds of each variant: what is left is judged by them, since one
    backbone may take as long as a hundred others. What is told before anything was started, or
    without a step, took no time. None among the snapshots is as in `follow_sweep`.
    """
    ended: list[ConversionOutcome] = []
    working: dict[str, Activity] = {}
    is_working = False
    with _progress(console, TextColumn("{task.fields[done]}/{task.fields[of]}")) as progress:
        teller = Teller(progress.console)
        whole = sum(costs.values())
        artifacts = progress.add_task("artifacts", total=whole, activity="", done=0, of=0)
        teller.goes_on((), f"0/{len(costs)} artifacts", _WAITING_TO_CONVERT)
        for snapshot in snapshots:
            if snapshot is None:
                teller.look()
                continue
            progress.update(artifacts, done=snapshot.artifacts_done, of=snapshot.artifacts_total)
            if snapshot.activity is not None:
                is_working = True
                progress.update(artifacts, activity=activity_words(snapshot.activity))
                working[snapshot.activity.backbone] = snapshot.activity
            for outcome in snapshot.ended:
                working.pop(outcome.backbone, None)
            far = f"{snapshot.artifacts_done}/{snapshot.artifacts_total} artifacts"
            teller.goes_on(tuple(working.values()), far, _WAITING_TO_CONVERT)
            for line in left_out_lines(snapshot.left_out):
                teller.say(Text(line))
            for outcome in snapshot.ended:
                # A controller of another version may make variants that nobody expected.
                cost = costs.get(_variant(outcome), 0.0)
                if is_working and outcome.seconds:
                    progress.advance(artifacts, cost)
                else:
                    whole -= cost
                    progress.update(artifacts, total=whole)
                if outcome.result is not ConversionResult.CACHED:
                    teller.say(_conversion_line(outcome))
            ended.extend(snapshot.ended)
        progress.update(artifacts, activity="")
    return tuple(ended)


def _variant(outcome: ConversionOutcome) -> Variant:
    return Variant(
        outcome.backbone,
        outcome.format,
        outcome.precision,
        outcome.target,
        outcome.input_size,
        outcome.batch,
    )


def _progress(console: Console, count: ProgressColumn) -> Progress:
    return Progress(
        TextColumn("{task.description:9}"),
        BarColumn(bar_width=24),
        count,
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[activity]}", markup=False),
        console=console,
        # Without a terminal the lines of what ended are the progress.
        disable=not console.is_terminal,
        transient=True,
        # What ends is uneven, so the speed is that of the last hour.
        speed_estimate_period=3600,
    )


def _advance(progress: Progress, task: TaskID, done: int, total: int) -> None:
    progress.update(task, completed=done, total=total)


def _job_line(outcome: JobOutcome) -> Text:
    """One line: whatever keeps the figure from being ok stands below, at the end."""
    parts = [outcome.device, outcome.backbone, outcome.runtime.value]
    if outcome.threads != 1:
        parts.append(counted(outcome.threads, "thread"))
    parts += _unordinary(outcome)
    if outcome.weights is not WeightsKind.PRETRAINED:
        parts.append(outcome.weights.value)
    if outcome.is_sentinel:
        parts.append("sentinel")
    parts += (*target_words(outcome.target), *emulator_words(outcome.emulator))
    if outcome.median_ms is not None:
        median = median_words(outcome.median_ms, outcome.low_ms, outcome.high_ms)
        one_image = per_image_words(per_image_ms(outcome.median_ms, outcome.batch))
        parts.append(median + one_image)
    if is_underway(outcome):
        verdict, style = "so far", "dim"
    else:
        verdict, style = outcome.verdict.value, _VERDICT_STYLES.get(outcome.verdict, "red")
    return Text.assemble((f"{verdict:9}", style), f" {'  '.join(parts)}")


def _unordinary(outcome: JobOutcome | ConversionOutcome) -> list[str]:
    """Precision, input size and batch, those that are not fp32, the evaluation size and 1."""
    parts = [] if outcome.precision is Precision.FP32 else [outcome.precision.value]
    return [*parts, *images_words(outcome.backbone, outcome.input_size, outcome.batch)]


def _conversion_line(outcome: ConversionOutcome) -> Text:
    if outcome.max_relative_difference is None:
        # Its reason stands below the table, once for all the files that it holds for.
        rest = ""
    else:
        is_kept = outcome.result is not ConversionResult.CHECKED
        size = format_memory(outcome.artifact_size_bytes) if is_kept else "not kept"
        rest = (
            f"  {size}  "
            f"off by {outcome.max_relative_difference:.1e} "
            f"(limit {outcome.parity_tolerance:.0e}, {outcome.checked_through.value})  "
            f"{outcome.weights.value} weights"
        )
    file = f"{outcome.format.value} {outcome.target.value}"
    what = "  ".join([outcome.backbone, file, *_unordinary(outcome)])
    style = _RESULT_STYLES[outcome.result]
    return Text.assemble((f"{outcome.result.value:9}", style), f" {what}{rest}")
