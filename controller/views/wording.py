"""Words that the terminal and the report share."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from controller.domain.measurements import LatencyFigures, Measurement, Verdict
from controller.domain.quantities import format_interval, format_latency, format_memory
from controller.domain.rankings import (
    WITH_FIGURES,
    Candidate,
    Constraints,
    LeftOut,
    Merit,
    Ranking,
)
from controller.domain.rankings.certainty import Certainty
from controller.ranking.standing.entry import held_back
from controller.views.counting import counted
from controller.views.input_words import images_words
from controller.views.reasons import sentences
from controller.views.reasons.limits import constraint_words
from controller.views.settings_words import settings_words
from models.catalog.catalog import IMAGENET
from models.catalog.precisions import Precision
from models.catalog.variants import WeightsKind
from protos.reasons import ReasonCode

SYNTHETIC_NOTE: Final = (
    "Synthetic weights: the latency is that of the structure; "
    "the top-1 is that of the trained weights, it was not measured here."
)
WIDE_NOTE: Final = (
    "Wide: the interval of the median is wider than was asked for, and tells how far the figure "
    "may be off."
)
DISTURBED_NOTE: Final = (
    "Disturbed: other processes had the cores, the device was not ready when it started, or "
    "another runtime ran meanwhile; the figure may be off by more than its interval tells."
)
THROTTLED_NOTE: Final = (
    "Throttled: the device or the process changed meanwhile: a limit, a quota, a temperature, a "
    "clock, latency or memory."
)
ALONE_NOTE: Final = (
    "Measured by one process: its interval tells nothing of how another would have run."
)
_VERDICT_NOTES: Final[Mapping[Verdict, str]] = MappingProxyType(
    {
        Verdict.WIDE: WIDE_NOTE,
        Verdict.DISTURBED: DISTURBED_NOTE,
        Verdict.THROTTLED: THROTTLED_NOTE,
    }
)
MERIT_WORDS: Final[Mapping[Merit, str]] = MappingProxyType(
    {
        Merit.VALUE: "Best value",
        Merit.ACCURACY: "Most accurate",
        Merit.LATENCY: "Fastest",
        Merit.MEMORY: "Least memory",
    }
)
"""What the first by each merit is called."""
LATENCY_TIE_NOTE: Final = (
    "Where 95 % intervals of the median overlap, latency is a tie: "
    "neither candidate is known to be faster."
)


def setting(measurement: Measurement) -> str:
    """Say what ran a backbone: onnxruntime, 2 threads, and what is not as usual, int8, no arena."""
    threads = counted(measurement.threads, "thread")
    is_usual = measurement.precision is Precision.FP32
    precision = () if is_usual else (measurement.precision.value,)
    images = images_words(measurement.backbone, measurement.input_size, measurement.batch)
    said = (*precision, *images, *settings_words(measurement))
    return ", ".join((measurement.runtime.value, threads, *said))


def provenance(measurement: Measurement) -> str:
    """Say what ran a backbone, with which weights: onnxruntime, 2 threads, pretrained."""
    return f"{setting(measurement)}, {measurement.weights.value}"


def candidate_name(measurement: Measurement) -> str:
    """Name a candidate in a sentence: PPLCNet_x1_0 (onnxruntime, 2 threads, pretrained)."""
    return f"{measurement.backbone} ({provenance(measurement)})"


def latency_words(measurement: Measurement) -> str:
    """Write median and interval: 4.31 ms [4.28, 4.35]; empty where there is no figure.

    Of several images at once, it says what one of them takes, too.
    """
    if measurement.latency is None:
        return ""
    return figures_words(measurement.latency) + per_image_words(measurement.latency_per_image_ms)


def per_image_words(per_image_ms: float | None) -> str:
    """Write what follows an inference's figure: , 1.08 ms an image; empty where it has one."""
    return "" if per_image_ms is None else f", {format_latency(per_image_ms)} an image"


def figures_words(latency: LatencyFigures) -> str:
    """Write median and interval: 4.31 ms [4.28, 4.35]."""
    return median_words(latency.median_ms, latency.low_ms, latency.high_ms)


def median_words(median_ms: float, low_ms: float | None, high_ms: float | None) -> str:
    """Write median and interval: 4.31 ms [4.28, 4.35]; without the interval where there is none."""
    if low_ms is None or high_ms is None:
        return format_latency(median_ms)
    return f"{format_latency(median_ms)} {format_interval(low_ms, high_ms)}"


def samples_words(latency: LatencyFigures) -> str:
    """Count samples, and outliers where there are any: 600 samples, 3 of them outliers."""
    outliers = f", {latency.outlier_count} of them outliers" if latency.outlier_count else ""
    return f"{counted(latency.sample_count, 'sample')}{outliers}"


def memory_words(measurement: Measurement) -> str:
    """Write the memory needed above the runtime's own; empty where there is no figure."""
    return "" if measurement.memory is None else format_memory(measurement.memory.peak_rss_bytes)


def memory_range_words(measurement: Measurement) -> str:
    """Write what the processes needed: 34.1 MB to 40.0 MB; empty where they needed the same."""
    memory = measurement.memory
    if memory is None or memory.least_peak_rss_bytes is None:
        return ""
    least, most = map(format_memory, (memory.least_peak_rss_bytes, memory.peak_rss_bytes))
    return "" if least == most else f"{least} to {most}"


def top1_words(measurement: Measurement) -> str:
    """Write top-1 in percent with two decimals, without the sign; unknown where it is."""
    return "unknown" if measurement.top1 is None else f"{measurement.top1:.2f}"


def top1_figure(measurement: Measurement) -> str:
    """Write top-1 in a sentence: 75.32 % top-1, top-1 unknown."""
    return "top-1 unknown" if measurement.top1 is None else f"{top1_words(measurement)} % top-1"


def asked_words(ranking: Ranking) -> str:
    """Say under what a ranking holds: its constraints, and the dataset unless it is ImageNet-1k."""
    dataset = ranking.accuracy_dataset
    words = [constraint_words(ranking.constraints)]
    if dataset != IMAGENET:
        words.append(f"accuracy on {dataset}")
    return ", ".join(filter(None, words))


def answer(ranking: Ranking) -> str:
    """Begin the answer: Best on pi5; by what it is the best, where no limit says so."""
    is_said = ranking.constraints.by is not None or ranking.merit is Merit.VALUE
    return f"{MERIT_WORDS[ranking.merit] if is_said else 'Best'} on {ranking.device}"


def beside_answer(ranking: Ranking) -> str:
    """Say under what the answer holds, and how much of what it rests on is in doubt, or to come."""
    told = (asked_words(ranking), doubt_words(ranking), underway_words(ranking))
    return "; ".join(filter(None, told))


def underway_words(ranking: Ranking) -> str:
    """Count figures that are of jobs underway: 3 of 12 still being measured; empty without."""
    measured = [candidate.measurement for candidate in candidates(ranking)]
    count = sum(
        any(why.code is ReasonCode.STILL_MEASURED for why in each.reasons) for each in measured
    )
    return f"{count} of {len(measured)} still being measured" if count else ""


def doubt_words(ranking: Ranking) -> str:
    """Count figures that may be biased: 2 of 12 figures disturbed, 1 throttled; empty without."""
    verdicts = [candidate.measurement.verdict for candidate in candidates(ranking)]
    counts = Counter(each for each in verdicts if each in ranking.constraints.doubtful)
    if not counts:
        return ""
    (first, count), *others = sorted(counts.items(), key=lambda each: WITH_FIGURES.index(each[0]))
    figures = f"figure{'' if len(verdicts) == 1 else 's'}"
    more = (f"{count} {verdict.value}" for verdict, count in others)
    return ", ".join((f"{count} of {len(verdicts)} {figures} {first.value}", *more))


def headline(ranking: Ranking) -> str:
    """Answer the question in one line; the winner's figures, which follow, name its weights."""
    asked = beside_answer(ranking)
    under = f" ({asked})" if asked else ""
    if ranking.winner is not None:
        best = ranking.winner.measurement
        if ranking.certainty is not None:
            return f"{_certainly(ranking, ranking.certainty)}{under}"
        return f"{answer(ranking)}{under}: {best.backbone} ({setting(best)})"
    if ranking.others:
        return f"No measured candidate on {ranking.device} satisfies the constraints{under}"
    if held_back(ranking.left_out):
        return f"No measured candidate on {ranking.device} has a verdict that counts{under}"
    return f"No candidate was measured on {ranking.device}{under}"


def _certainly(ranking: Ranking, certainty: Certainty) -> str:
    """Answer at a confidence: who is surely the first, or that nobody is."""
    sure = f"at {100 * certainty.confidence:g} %"
    first = "the fastest" if ranking.merit is Merit.LATENCY else "the most accurate"
    if not certainty.is_sure:
        count = len(certainty.may_be_first)
        return f"Nobody is surely {first} on {ranking.device} {sure}: any of {count:,} may be"
    (only,) = certainty.may_be_first
    name = names_of(ranking)[only.measurement_id]
    return f"Surely {first} on {ranking.device} {sure}: {name}"


def place_words(candidate: Candidate) -> str:
    """Say at which places a candidate may be: 2, or 1-3; empty outside of the constraints."""
    low, high = candidate.rank_low, candidate.rank_high
    if not low:
        return ""
    return f"{low}" if low == high else f"{low}-{high}"


def only_option(constraints: Constraints, more: Collection[Verdict]) -> str:
    """Write the option that lets more verdicts count, too: --only ok,wide."""
    wanted = [each.value for each in WITH_FIGURES if each in constraints.only or each in more]
    return f"--only {','.join(wanted)}"


def held_back_words(ranking: Ranking) -> str:
    """Count what only its verdict leaves out, and say how it would count; empty without any."""
    held = held_back(ranking.left_out)
    if not held:
        return ""
    counts = Counter(entry.measurement.verdict for entry in held)
    told = ", ".join(f"{counts[each]} {each.value}" for each in WITH_FIGURES if counts[each])
    return f"{told}; {'it counts' if len(held) == 1 else 'they count'} without --only"


def candidates(ranking: Ranking) -> Iterator[Candidate]:
    """Go through every candidate of a ranking once: front, winner, ties with it, the others."""
    seen: set[str] = set()
    winner = filter(None, [ranking.winner])
    for candidate in (*ranking.pareto_front, *winner, *ranking.ties, *ranking.others):
        if candidate.measurement.measurement_id not in seen:
            seen.add(candidate.measurement.measurement_id)
            yield candidate


def with_held_back(ranking: Ranking) -> Iterator[Candidate]:
    """Go through the candidates, then through what only its verdict leaves out."""
    yield from candidates(ranking)
    for entry in held_back(ranking.left_out):
        yield Candidate(measurement=entry.measurement, on_pareto_front=False)


def names_of(ranking: Ranking) -> dict[str, str]:
    """Name the measurements that reasons of a ranking speak of, by their ids."""
    return {
        candidate.measurement.measurement_id: candidate_name(candidate.measurement)
        for candidate in candidates(ranking)
    }


def verdict_words(measurement: Measurement) -> str:
    """Say a verdict with its reasons: wide, the interval is ±7 %, wanted ±5 %."""
    return ", ".join(filter(None, (measurement.verdict.value, sentences(measurement.reasons))))


def is_told_with_verdict(left: LeftOut) -> bool:
    """Say whether its verdict is why it is left out, and not what is not known of it."""
    is_replaced = any(each.code is ReasonCode.OLDER_COUNTS for each in left.reasons)
    return is_replaced or left.is_held_back or left.measurement.verdict is Verdict.FAILED


def left_out_words(left: LeftOut) -> str:
    """Say why a measurement does not count."""
    if left.reasons:
        return sentences(left.reasons)
    return f"its verdict is {left.measurement.verdict.value}, without a reason"


def winning_rule(ranking: Ranking) -> str:
    """Say in one sentence how the winner is chosen under these constraints."""
    least = ranking.constraints.min_top1
    of = (
        "of those that satisfy the constraints"
        if least is None
        else f"of those with at least {least:g} % top-1"
    )
    if ranking.merit is Merit.VALUE:
        return (
            "The winner is the knee of the Pareto front: the farthest above the line from the "
            "fastest to the most accurate, with latency on a logarithmic scale."
        )
    if ranking.merit is Merit.MEMORY:
        return f"The winner has the lowest peak memory {of}, then the lowest median latency."
    if ranking.merit is Merit.LATENCY:
        return f"The winner has the lowest median latency {of}, then the highest top-1."
    return (
        "The winner has the highest top-1 of those that satisfy the constraints, "
        "then the lowest median latency."
    )


def other_answers(ranking: Ranking) -> list[tuple[str, Measurement]]:
    """Name, beside the best value, the most accurate and the fastest where they are others."""
    if ranking.merit is not Merit.VALUE:
        return []
    return [
        (MERIT_WORDS[merit], candidate.measurement)
        for merit in (Merit.ACCURACY, Merit.LATENCY)
        for candidate in candidates(ranking)
        if merit in candidate.first_by and candidate != ranking.winner
    ]


def notes(shown: Iterable[Candidate]) -> list[str]:
    """Return the footnotes that the candidates shown call for."""
    measurements = [candidate.measurement for candidate in shown]
    found = [LATENCY_TIE_NOTE] if measurements else []
    found += verdict_notes(measurements)
    if any(m.latency is not None and m.latency.repetition_count == 1 for m in measurements):
        found.append(ALONE_NOTE)
    if any(m.weights is WeightsKind.SYNTHETIC for m in measurements):
        found.append(SYNTHETIC_NOTE)
    return [*found, *_memory_note(measurements)]


def _memory_note(measurements: Iterable[Measurement]) -> Iterator[str]:
    """Yield what the bare runtimes take, which is no part of the memory that is shown."""
    alone: dict[str, int] = {}
    for measurement in measurements:
        if measurement.memory is not None:
            name = measurement.runtime.value
            alone[name] = max(alone.get(name, 0), measurement.memory.baseline_rss_bytes)
    if alone:
        told = ", ".join(f"{name} {format_memory(size)}" for name, size in sorted(alone.items()))
        yield f"Memory is above what the runtime takes without a network: {told}."


def verdict_notes(shown: Collection[Measurement]) -> list[str]:
    """Explain the verdicts that are not ok among what is shown."""
    present = {measurement.verdict for measurement in shown}
    return [note for verdict, note in _VERDICT_NOTES.items() if verdict in present]
