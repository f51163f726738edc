"""Every sample of a measurement: over time, beside the device's state, and as a distribution."""

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any, Final

from controller.api.web.pages.charts.looks import drawn
from controller.api.web.pages.charts.states import fastest_ghz, hottest, roomy, states_of
from controller.domain.measurements import Measurement
from controller.views.chart import Specification
from protos.measuring import Repetition

_MOST_POINTS: Final = 3_000
_NS_PER_MS: Final = 1_000_000
_TITLES: Final = {"celsius": "°C", "ghz": "GHz"}


def samples_charts(measurement: Measurement) -> list[Specification]:
    """Latency over time, then temperature and clock on the same axis where they are stored.

    Seconds are those of measuring: what lies between two repetitions is left out. Of many samples
    an even part is drawn.
    """
    latencies, states, ends_s = _timed(measurement.repetitions)
    if not latencies:
        return []
    step = len(latencies) // _MOST_POINTS + 1
    charts = [_latency(latencies[::step], ends_s)]
    for kind, title in _TITLES.items():
        its = [row for row in states if row["of"] == kind]
        if its:
            charts.append(_state(its, title, ends_s))
    return charts


def distribution_chart(measurement: Measurement) -> Specification | None:
    """How often which latency was, repetition by repetition in colours; None without samples."""
    rows = [{"ms": each, "process": number} for number, each in even_samples_ms(measurement)]
    if not rows:
        return None
    low, high = min(row["ms"] for row in rows), max(row["ms"] for row in rows)
    return drawn(
        f"{len(rows)} samples by their latency, from {low:.3g} to {high:.3g} ms",
        200,
        data={"values": rows},
        mark={"type": "bar", "color": "var(--series-1)", "aria": False},
        encoding={
            "x": {
                "field": "ms",
                "type": "quantitative",
                "bin": {"maxbins": 60},
                "title": "latency (ms)",
                "scale": {"zero": False},
            },
            "y": {"aggregate": "count", "title": "samples"},
            "tooltip": [
                {"field": "ms", "type": "quantitative", "bin": {"maxbins": 60}, "title": "ms"},
                {"aggregate": "count", "title": "samples"},
            ],
        },
    )


def even_samples_ms(measurement: Measurement) -> Iterator[tuple[int, float]]:
    """The number of its process and the ms of each sample; of many, an even part."""
    for number, repetition in enumerate(measurement.repetitions, start=1):
        for sample in _part(repetition.latency_ns, len(measurement.repetitions)):
            yield number, sample / _NS_PER_MS


def _part(samples: Sequence[int], of: int) -> Sequence[int]:
    return samples[:: len(samples) * of // _MOST_POINTS + 1]


def _timed(
    repetitions: Sequence[Repetition],
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], float]:
    """Samples and states by their second of measuring, and how many seconds there are."""
    latencies: list[dict[str, Any]] = []
    states: list[dict[str, Any]] = []
    offset_s = 0.0
    for number, repetition in enumerate(repetitions, start=1):
        known = list(states_of(repetition))
        sampled_s = sum(repetition.latency_ns) / 1e9
        spans_s = (known[-1].taken_at_unix_ms - known[0].taken_at_unix_ms) / 1e3 if known else 0.0
        # What comes before sampling is loading and warming up.
        lead_s = max(0.0, spans_s - sampled_s)
        begun_s = offset_s + lead_s
        latencies += [
            {"s": begun_s + end_ns / 1e9, "ms": sample_ns / _NS_PER_MS, "process": str(number)}
            for sample_ns, end_ns in zip(
                repetition.latency_ns, accumulate(repetition.latency_ns), strict=True
            )
        ]
        for state in known:
            at_s = offset_s + (state.taken_at_unix_ms - known[0].taken_at_unix_ms) / 1e3
            values = (("celsius", hottest(state)), ("ghz", fastest_ghz(state)))
            states += [
                {"s": at_s, "of": kind, "value": value, "process": str(number)}
                for kind, value in values
                if value is not None
            ]
        offset_s += max(spans_s, sampled_s)
    return latencies, states, offset_s


def _latency(rows: list[dict[str, Any]], ends_s: float) -> Specification:
    return drawn(
        f"latency of {len(rows)} samples over the seconds of measuring",
        230,
        data={"values": rows},
        mark={"type": "point", "filled": True, "size": 12, "aria": False},
        encoding={
            "x": _seconds(ends_s),
            "y": {
                "field": "ms",
                "type": "quantitative",
                "title": "latency (ms)",
                "scale": {"zero": False},
                "axis": {"minExtent": 45, "tickCount": 6},
            },
            "color": {
                "field": "process",
                "type": "nominal",
                "title": "process",
                "scale": {"range": list(_colours())},
            },
        },
    )


def _colours() -> Iterator[str]:
    yield from (f"var(--series-{place})" for place in range(1, 8))


def _state(rows: list[dict[str, Any]], title: str, ends_s: float) -> Specification:
    return drawn(
        f"{title} over the seconds of measuring",
        110,
        data={"values": rows},
        mark={"type": "line", "point": {"size": 16}, "color": "var(--series-4)", "aria": False},
        encoding={
            "x": _seconds(ends_s),
            "y": {
                "field": "value",
                "type": "quantitative",
                "title": title,
                "scale": {
                    "domain": roomy([row["value"] for row in rows]),
                    "nice": False,
                    "zero": False,
                },
                "axis": {"minExtent": 45, "tickCount": 3},
            },
            # What lies between two processes is left out, and so is a line across it.
            "detail": {"field": "process", "type": "nominal"},
        },
    )


def _seconds(ends_s: float) -> Specification:
    return {
        "field": "s",
        "type": "quantitative",
        "title": "seconds of measuring",
        "scale": {"domain": [0, ends_s], "nice": False},
    }
