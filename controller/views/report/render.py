"""Renders a ranking as one HTML file that needs no network and nothing beside it."""

import base64
import hashlib
from collections.abc import Sequence
from functools import lru_cache
from importlib import resources
from typing import Final

import vl_convert
from jinja2 import Environment
from markupsafe import Markup

from controller.domain.devices import Device
from controller.domain.measurements import Measurement
from controller.domain.rankings import Ranking
from controller.figures.minutes import latency_at
from controller.ranking.standing.entry import held_back
from controller.views import device_words, settings_words, wording
from controller.views.chart import chart_specification
from controller.views.counting import day
from controller.views.report.templating import environment_of

_PAGE: Final = "page.html"


def render_report(ranking: Ranking, device: Device) -> str:
    """Return the page: answer, chart, ranking, ties, what was left out, device and provenance."""
    shown = list(wording.with_held_back(ranking))
    held = {entry.id for entry in held_back(ranking.left_out)}
    measured = [candidate.measurement for candidate in shown]
    scripts = [_bundle(), _behaviour()] if shown else []
    has_points = any(each.top1 is not None for each in measured)
    return (
        _environment()
        .get_template(_PAGE)
        .render(
            ranking=ranking,
            device=device,
            surroundings=list(device_words.surroundings_words(device.profile)),
            candidates=shown,
            held_back=wording.held_back_words(ranking),
            left_out=[
                left for left in ranking.left_out if left.measurement.measurement_id not in held
            ],
            names=wording.names_of(ranking),
            other_answers=wording.other_answers(ranking),
            rule=wording.winning_rule(ranking),
            notes=wording.notes(shown),
            chart=chart_specification(ranking) if has_points else None,
            minutes=sorted({each.minute for m in measured for each in m.minutes}),
            period=_period(measured),
            scripts=[Markup(script) for script in scripts],
            script_hashes=[_content_security_hash(script) for script in scripts],
        )
    )


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = environment_of("controller.views.report", "")
    environment.filters["day"] = day
    environment.globals |= {
        "latency_at": latency_at,
        "is_told_with_verdict": wording.is_told_with_verdict,
        "energy_words": settings_words.energy_words,
        "paced_words": settings_words.paced_words,
        "per_image_words": wording.per_image_words,
        "memory_range_words": wording.memory_range_words,
    }
    return environment


@lru_cache(maxsize=1)
def _bundle() -> str:
    # Vega, Vega-Lite and Vega-Embed come with vl-convert, so the page loads nothing.
    return _inline(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;"))


@lru_cache(maxsize=1)
def _behaviour() -> str:
    return _inline(
        resources.files("controller.views.report").joinpath("page.js").read_text("utf-8")
    )


def _inline(script: str) -> str:
    """Keep a script from ending the element that it stands in."""
    return script.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _content_security_hash(script: str) -> str:
    digest = hashlib.sha256(script.encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"


def _period(measurements: Sequence[Measurement]) -> str:
    if not measurements:
        return ""
    moments = [measurement.measured_at_unix_ms for measurement in measurements]
    first, last = day(min(moments)), day(max(moments))
    return first if first == last else f"{first} to {last}"
