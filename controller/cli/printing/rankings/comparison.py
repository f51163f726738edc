"""A comparison on the terminal: counts, every pair with its interval, what has no partner."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from controller.cli.printing.ledger import Column, Ledger
from controller.domain.comparisons import Change, ComparedPair, Comparison, Side, Unpaired
from controller.domain.measurements import Measurement, Verdict
from controller.domain.quantities import format_number
from controller.views.counting import counted
from controller.views.device_words import emulator_words
from controller.views.input_words import images_words
from controller.views.reasons import sentence, sentences
from controller.views.settings_words import settings_words
from controller.views.wording import candidate_name, verdict_notes, verdict_words
from models.catalog.precisions import Precision

_WORDS: Final = {
    Change.FASTER: "faster",
    Change.SLOWER: "slower",
    Change.SAME: "same",
    Change.CANNOT_TELL: "cannot tell",
}
_STYLES: Final = {
    Change.FASTER: "green",
    Change.SLOWER: "red",
    Change.SAME: "",
    Change.CANNOT_TELL: "yellow",
}


def print_comparison(
    console: Console, comparison: Comparison, parts: Sequence[Comparison] = ()
) -> None:
    """Print a comparison so that it stays readable from 80 columns on.

    `parts` are those of one device each, where devices are told one after the other.
    """
    console.print(Text(f"A: {comparison.a}\nB: {comparison.b}"))
    console.print(Text(_headline(comparison), style="bold"))
    for part in parts:
        console.print(Text(f"\nOn {part.pairs[0].a.device} {_headline(part)}", style="bold"))
        console.print(_table(part))
    if comparison.pairs and not parts:
        console.print()
        console.print(_table(comparison))
    if comparison.left_out:
        console.print(Text("\nLeft out", style="bold"))
        for left in comparison.left_out:
            console.print(Padding(_left_out(left), (0, 0, 0, 2)))
    notes = _notes(comparison)
    if notes:
        console.print()
    for note in notes:
        console.print(Text(note, style="dim"))


def _headline(comparison: Comparison) -> str:
    if not comparison.pairs:
        return "A and B measured nothing that is the same"
    counts = Counter(pair.change for pair in comparison.pairs)
    told = ", ".join(f"{counts[change]} {_WORDS[change]}" for change in Change if counts[change])
    undecided = sum(pair.undecided_by_verdict for pair in comparison.pairs)
    if undecided:
        told += f" ({undecided} for a disturbed or throttled side)"
    regressions = sum(pair.is_regression for pair in comparison.pairs)
    threshold = comparison.limits.regression_threshold
    if threshold is None:
        return f"B is: {told}"
    return f"B is: {told}; {regressions} by more than {threshold * 100:g} %"


def _table(comparison: Comparison) -> Ledger:
    table = Ledger(
        "backbone",
        Column("A ms", is_right=True),
        Column("B ms", is_right=True),
        Column("B/A [95 % interval]", is_right=True),
        Column("B is"),
    )
    for pair in comparison.pairs:
        is_of_one = pair.a.backbone == pair.b.backbone
        name = Text(pair.a.backbone if is_of_one else f"{pair.a.backbone} / {pair.b.backbone}")
        for line in _context(pair):
            name.append(f"\n  {line}", style="dim")
        change = Text(_WORDS[pair.change], style=_STYLES[pair.change])
        if pair.is_regression:
            change.append("\nregression", style="bold red")
        table.add_row(name, _median(pair.a), _median(pair.b), _ratio(pair), change)
    return table


def _context(pair: ComparedPair) -> tuple[str, str]:
    """Return where and how; two lines leave room for the figures in 80 columns."""
    threads, weights = counted(pair.a.threads, "thread"), pair.a.weights.value
    marks = emulator_words(pair.a.emulator)
    how = (threads, *_variant(pair.a), *_settings(pair), weights, *marks)
    return f"{pair.a.device}, {_runtimes(pair)}", ", ".join(how)


def _variant(measurement: Measurement) -> Iterator[str]:
    """What is not as usual of the file, which is the same on both sides."""
    if measurement.precision is not Precision.FP32:
        yield measurement.precision.value
    yield from images_words(measurement.backbone, measurement.input_size, measurement.batch)


def _settings(pair: ComparedPair) -> tuple[str, ...]:
    """What is out of the ordinary on both sides, or, of two runtimes, on either one."""
    return tuple(dict.fromkeys((*settings_words(pair.a), *settings_words(pair.b))))


def _runtimes(pair: ComparedPair) -> str:
    a, b = pair.a, pair.b
    if a.runtime is not b.runtime:
        return f"{a.runtime.value} to {b.runtime.value}"
    if a.runtime_version != b.runtime_version:
        return f"{a.runtime.value} {a.runtime_version} to {b.runtime_version}"
    if a.runtime_build != b.runtime_build:
        return f"{a.runtime.value} {a.runtime_version}, two builds"
    return a.runtime.value


def _median(measurement: Measurement) -> Text:
    figure = "" if measurement.latency is None else format_number(measurement.latency.median_ms)
    text = Text(figure)
    if measurement.verdict is not Verdict.OK:
        text.append(f"\n{measurement.verdict.value}", style="yellow")
    return text


def _ratio(pair: ComparedPair) -> str:
    if pair.ratio_low is None or pair.ratio_high is None:
        return _format_ratio(pair.ratio)
    bounds = f"{_format_ratio(pair.ratio_low)}, {_format_ratio(pair.ratio_high)}"
    return f"{_format_ratio(pair.ratio)} [{bounds}]"


def _format_ratio(ratio: float) -> str:
    """Write a ratio with three decimals, from 10 on with three significant digits: 0.987, 12.4."""
    return f"{ratio:.3f}" if ratio < 9.9995 else format_number(ratio)


def _left_out(left: Unpaired) -> Text:
    name = f"{candidate_name(left.measurement)} on {left.measurement.device}"
    side, other = ("A", "B") if left.side is Side.A else ("B", "A")
    if left.is_alone:
        return Text(f"- {name}: only {side} has it: {other} has no figure of it")
    why = sentences(left.reasons) or verdict_words(left.measurement)
    return Text(f"- {name}: in {side}: {why}")


def _notes(comparison: Comparison) -> list[str]:
    found = sorted(
        {
            f"{_WORDS[pair.change].capitalize()}: {sentence(pair.reason)}."
            for pair in comparison.pairs
            if pair.reason is not None
        }
    )
    if any(pair.change is Change.SAME and pair.reason is None for pair in comparison.pairs):
        margin = comparison.limits.equivalence_margin
        found.append(f"Same: the whole interval lies within ±{margin * 100:g} %.")
    return found + verdict_notes([side for pair in comparison.pairs for side in (pair.a, pair.b)])
