"""How ranks by latency change from device to device."""

from collections.abc import Mapping, Sequence
from typing import Any

from controller.api.web.pages.charts.looks import OTHER, SERIES_COLOURS, coloured, drawn
from controller.domain.measurements import Measurement
from controller.views.chart import Specification

_TICKS = 12


def slope_chart(
    by_backbone: Mapping[str, Sequence[Measurement]], devices: Sequence[str]
) -> Specification | None:
    """A line a backbone over the devices, by its rank there among those shown, the fastest first.

    None with fewer than two devices.
    """
    if len(devices) < 2 or not by_backbone:
        return None
    named = list(by_backbone)[: len(SERIES_COLOURS)]
    rows: list[dict[str, Any]] = [
        {
            "device": device,
            "rank": rank,
            "backbone": name,
            "line": name if name in named else OTHER,
            "ms": round(ms, 3),
        }
        for (name, device), (rank, ms) in ranks(by_backbone, devices).items()
    ]
    names = [*named, *([OTHER] if len(by_backbone) > len(named) else [])]
    most = max(row["rank"] for row in rows)
    return drawn(
        f"ranks by latency of {len(by_backbone)} backbones on {len(devices)} devices",
        max(220, 26 * most),
        data={"values": rows},
        mark={"type": "line", "point": {"size": 70, "filled": True}, "strokeWidth": 2},
        encoding={
            "x": {
                "field": "device",
                "type": "nominal",
                "sort": None,
                "title": None,
                "axis": {"labelAngle": 0, "labelOverlap": True},
            },
            "y": {
                "field": "rank",
                "type": "quantitative",
                "title": "rank by latency",
                "scale": {"reverse": True, "domain": [1, most], "nice": False, "zero": False},
                "axis": {"values": _ticks(most)},
            },
            "color": coloured("line", names, "backbone"),
            "detail": {"field": "backbone", "type": "nominal"},
            "tooltip": [
                {"field": "backbone", "type": "nominal"},
                {"field": "device", "type": "nominal"},
                {"field": "rank", "type": "quantitative"},
                {"field": "ms", "type": "quantitative", "title": "median, ms"},
            ],
        },
    )


def ranks(
    by_backbone: Mapping[str, Sequence[Measurement]], devices: Sequence[str]
) -> dict[tuple[str, str], tuple[int, float]]:
    """By backbone and device: the rank by latency there, 1 is the fastest shown; its median, ms."""
    found = {}
    for device in devices:
        here = {
            name: measured.latency.median_ms
            for name, several in by_backbone.items()
            for measured in several
            if measured.device == device and measured.latency is not None
        }
        for rank, name in enumerate(sorted(here, key=lambda each: here[each]), start=1):
            found[name, device] = rank, here[name]
    return found


def _ticks(most: int) -> list[int]:
    return list(range(1, most + 1)) if most <= _TICKS else [1, *range(5, most + 1, 5)]
