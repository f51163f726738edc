"""Follows a sweep or a conversion on the terminal: bars, a line for each thing that ended."""

from collections.abc import Iterable, Mapping
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

from controller.domain.conversions import ConversionOutcome, ConversionResult, ConversionSnapshot
from controller.domain.measurements import Verdict
from controller.domain.quantities import format_latency, format_memory
from controller.domain.sweeps import JobOutcome, SweepPhase, SweepSnapshot
from controller.views.activities import activities_words, activity_words
from controller.views.reasons import sentences
from models.catalog.catalog import load_catalog
from models.catalog.variants import Precision, Variant

_VERDICT_STYLES = {
    Verdict.OK: "green",
    Verdict.NOISY: "yellow",
    Verdict.UNSTABLE: "yellow",
    Verdict.THROTTLED: "yellow",
}
_RESULT_STYLES = {
    ConversionResult.STORED: "green",
    ConversionResult.CACHED: "dim",
    ConversionResult.REFUSED: "red",
    ConversionResult.FAILED: "red",
    ConversionResult.CHECKED: "cyan",
}


def follow_sweep(snapshots: Iterable[SweepSnapshot], console: Console) -> SweepSnapshot:
    """Shows a sweep until it has ended; gives the last snapshot, with every job that ended."""
    ended: list[JobOutcome] = []
    last: SweepSnapshot | None = None
    with _progress(console, MofNCompleteColumn()) as progress:
        artifacts = progress.add_task("artifacts", total=None, activity="")
        repetitions = progress.add_task("processes", total=None, activity="")
        for last in snapshots:
            _advance(progress, artifacts, last.artifacts_done, last.artifacts_total)
            # Not jobs: their repetitions take turns, so that most jobs end near the end.
            _advance(progress, repetitions, last.repetitions_done, last.repetitions_total)
            is_converting = last.phase is SweepPhase.CONVERTING
            told = activities_words(last.activities)
            progress.update(artifacts, activity=told if is_converting else "")
            progress.update(repetitions, activity="" if is_converting else told)
            for outcome in last.ended:
                progress.console.print(_job_line(outcome))
            ended.extend(last.ended)
    assert last is not None  # The controller answers with a snapshot or with an error.
    return replace(last, ended=tuple(ended))


def follow_conversion(
    snapshots: Iterable[ConversionSnapshot], console: Console, costs: Mapping[Variant, float]
) -> tuple[ConversionOutcome, ...]:
    """Shows a conversion until it has ended; gives what became of each variant.

    `costs` are the expected seconds of each variant: what is left is judged by them, since one
    backbone may take as long as a hundred others. What is told before anything was started, or
    without a step, took no time.
    """
    ended: list[ConversionOutcome] = []
    is_working = False
    with _progress(console, TextColumn("{task.fields[done]}/{task.fields[of]}")) as progress:
        whole = sum(costs.values())
        artifacts = progress.add_task("artifacts", total=whole, activity="", done=0, of=0)
        for snapshot in snapshots:
            progress.update(artifacts, done=snapshot.artifacts_done, of=snapshot.artifacts_total)
            if snapshot.activity is not None:
                is_working = True
                progress.update(artifacts, activity=activity_words(snapshot.activity))
            for outcome in snapshot.ended:
                # A controller of another version may make variants that nobody expected.
                cost = costs.get(_variant(outcome), 0.0)
                if is_working and outcome.seconds:
                    progress.advance(artifacts, cost)
                else:
                    whole -= cost
                    progress.update(artifacts, total=whole)
                if outcome.result is not ConversionResult.CACHED:
                    progress.console.print(_conversion_line(outcome))
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
    figure = "" if outcome.median_ms is None else format_latency(outcome.median_ms)
    why = f"  {sentences(outcome.reasons)}" if outcome.reasons else ""
    return Text.assemble(
        (f"{outcome.verdict.value:9}", _VERDICT_STYLES.get(outcome.verdict, "red")),
        f" {outcome.device}  {outcome.backbone}  {outcome.runtime.value}"
        f"  {outcome.threads} thread{'s' if outcome.threads > 1 else ''}"
        f"{_unordinary(outcome)}  {outcome.weights.value}"
        f"{'  sentinel' if outcome.is_sentinel else ''}  {figure}{why}",
    )


def _unordinary(outcome: JobOutcome | ConversionOutcome) -> str:
    """Precision, input size and batch, those that are not fp32, the evaluation size and 1."""
    parts = [] if outcome.precision is Precision.FP32 else [outcome.precision.value]
    known = load_catalog()
    if outcome.backbone in known and outcome.input_size != known.get(outcome.backbone).input_size:
        parts.append(f"{outcome.input_size} px")
    if outcome.batch != 1:
        parts.append(f"batch {outcome.batch}")
    return "".join(f"  {part}" for part in parts)


def _conversion_line(outcome: ConversionOutcome) -> Text:
    if outcome.max_relative_difference is None:
        # Its reason stands below the table, once for all the files that it holds for.
        rest = ""
    else:
        is_kept = outcome.result is not ConversionResult.CHECKED
        size = format_memory(outcome.artifact_size_bytes) if is_kept else "not kept"
        rest = (
            f"{size}  "
            f"off by {outcome.max_relative_difference:.1e} "
            f"(limit {outcome.parity_tolerance:.0e}, {outcome.checked_through.value})  "
            f"{outcome.weights.value} weights"
        )
    return Text.assemble(
        (f"{outcome.result.value:9}", _RESULT_STYLES[outcome.result]),
        f" {outcome.backbone}  {outcome.format.value} {outcome.target.value}"
        f"{_unordinary(outcome)}  {rest}",
    )
