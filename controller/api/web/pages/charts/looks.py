"""What the pages' charts look like alike: colours follow the style sheet, light and dark."""

from collections.abc import Sequence
from typing import Final

from controller.views.chart import Specification

SERIES_COLOURS: Final = tuple(f"var(--series-{place})" for place in range(1, 8))
OTHER_COLOUR: Final = "var(--muted)"
OTHER: Final = "other"
CLOCK: Final = {
    "milliseconds": "%H:%M:%S",
    "seconds": "%H:%M:%S",
    "minutes": "%H:%M",
    "hours": "%H:%M",
    "day": "%b %d",
    "date": "%b %d",
}
"""How moments stand on an axis: of 24 hours a day."""
_FONT: Final = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif"


def coloured(field: str, names: Sequence[str], title: str | None = None) -> Specification:
    """Colour by a field's names, of which those behind the seventh are in one colour."""
    colours = [*SERIES_COLOURS, OTHER_COLOUR][: len(names)]
    return {
        "field": field,
        "type": "nominal",
        "title": title or field,
        "scale": {"domain": list(names), "range": colours},
    }


def drawn(description: str, height_px: int, **parts: object) -> Specification:
    """A chart as wide as its place."""
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "description": description,
        "width": "container",
        "height": height_px,
        "autosize": {"type": "fit", "contains": "padding"},
        "config": _config(),
        **parts,
    }


def _config() -> Specification:
    quiet = {"labelColor": "var(--muted)", "titleColor": "var(--muted)"}
    sizes = {"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal"}
    lines = {
        "gridColor": "var(--grid)",
        "domainColor": "var(--line)",
        "tickColor": "var(--line)",
        "titlePadding": 10,
    }
    return {
        "background": "transparent",
        "font": _FONT,
        "view": {"stroke": None},
        "axis": {**quiet, **sizes, **lines},
        # Names of settings are longer than what Vega leaves of a label.
        "axisY": {"labelLimit": 320},
        "legend": {**quiet, **sizes, "labelColor": "var(--text)", "orient": "top", "columns": 4},
        "header": {**quiet, **sizes},
    }
