"""How pages are written: templates, and the words that they share with terminal and report."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from controller.api.web.pages.ground import links
from controller.api.web.pages.ground.files import static_link
from controller.domain.quantities import (
    format_interval,
    format_latency,
    format_memory,
    format_number,
)
from controller.views import activities, device_words, settings_words, wording
from controller.views.counting import counted, minute
from controller.views.reasons import sentences
from controller.views.reasons.limits import effect_words, uncertain_words
from controller.views.sweeps import words as sweep_words
from controller.views.sweeps.commands import sweep_command

_NAVIGATION: Final = (
    ("/", "Best"),
    ("/devices", "Devices"),
    ("/sweeps", "Sweeps"),
    ("/fleet", "Fleet"),
    ("/compare", "Compare"),
)


def rendered(template: str, **shown: object) -> str:
    """A page, or a part of one, as HTML; what it shows is text wherever it stands."""
    return _environment().get_template(template).render(**shown)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("controller.api.web.pages", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= _FILTERS
    environment.globals |= {
        "navigation": _NAVIGATION,
        "activity_words": activities.activity_words,
        "answer": wording.answer,
        "basis_words": sweep_words.basis_words,
        "before_words": sweep_words.before_words,
        "beside_answer": wording.beside_answer,
        "cache_words": device_words.cache_words,
        "clusters_words": device_words.clusters_words,
        "counted": counted,
        "effect_words": effect_words,
        "event_words": device_words.event_words,
        "figures_words": wording.figures_words,
        "group_words": sweep_words.group_words,
        "headline": wording.headline,
        "held_up_words": device_words.held_up_words,
        "instruction_set_words": device_words.instruction_set_words,
        "interval": format_interval,
        "is_remarkable": device_words.is_remarkable,
        "device_link": links.device_link,
        "measurement_link": links.measurement_link,
        "sweep_link": links.sweep_link,
        "sweep_query": links.sweep_query,
        "left_out_words": wording.left_out_words,
        "latency_words": wording.latency_words,
        "median_words": wording.median_words,
        "memory_words": wording.memory_words,
        "pause_words": sweep_words.pause_words,
        "place_words": wording.place_words,
        "provenance": wording.provenance,
        "samples_words": wording.samples_words,
        "sentences": sentences,
        "setting": wording.setting,
        "settings_words": settings_words.settings_words,
        "static_link": static_link,
        "standing_words": device_words.standing_words,
        "surroundings_words": device_words.surroundings_words,
        "sweep_command": sweep_command,
        "time_words": sweep_words.time_words,
        "top1_figure": wording.top1_figure,
        "top1_words": wording.top1_words,
        "uncertain_words": uncertain_words,
        "unmeasured_words": sweep_words.unmeasured_words,
        "verdict_words": wording.verdict_words,
    }
    return environment


def _breakable(name: str) -> Markup:
    """A name that may go on in the next line behind each of its underscores."""
    return Markup("_<wbr>").join(escape(part) for part in name.split("_"))


_FILTERS: Final[Mapping[str, Callable[..., str]]] = MappingProxyType(
    {
        "interval": lambda latency: format_interval(latency.low_ms, latency.high_ms),
        "latency": format_latency,
        "memory": format_memory,
        "moment": lambda unix_ms: f"{minute(unix_ms)} UTC",
        "number": format_number,
        "short": lambda digest: digest[:12],
        "breakable": _breakable,
        "words": lambda code: code.replace("_", " "),
    }
)
