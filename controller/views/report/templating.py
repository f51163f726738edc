"""How HTML is written, whether it is the report or a page: templates, and the words they share."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from controller.domain.quantities import (
    format_interval,
    format_latency,
    format_memory,
    format_number,
)
from controller.views import device_words, settings_words, wording
from controller.views.chart import front_words
from controller.views.counting import counted, minute
from controller.views.reasons import sentences
from controller.views.sweeps import words as sweep_words
from controller.views.sweeps.commands import sweep_command

_FILTERS: Final[Mapping[str, Callable[..., str]]] = MappingProxyType(
    {
        "interval": lambda latency: format_interval(latency.low_ms, latency.high_ms),
        "latency": format_latency,
        "memory": format_memory,
        "moment": lambda unix_ms: f"{minute(unix_ms)} UTC",
        "number": format_number,
        "short": lambda digest: digest[:12],
    }
)
_WORDS: Final[Mapping[str, Callable[..., object]]] = MappingProxyType(
    {
        "answer": wording.answer,
        "beside_answer": wording.beside_answer,
        "cache_words": device_words.cache_words,
        "clusters_words": device_words.clusters_words,
        "counted": counted,
        "front_words": front_words,
        "headline": wording.headline,
        "latency_words": wording.latency_words,
        "left_out_words": wording.left_out_words,
        "memory_words": wording.memory_words,
        "provenance": wording.provenance,
        "samples_words": wording.samples_words,
        "sentences": sentences,
        "setting": wording.setting,
        "settings_words": settings_words.settings_words,
        "sweep_command": sweep_command,
        "top1_figure": wording.top1_figure,
        "top1_words": wording.top1_words,
        "unmeasured_words": sweep_words.unmeasured_words,
        "verdict_words": wording.verdict_words,
    }
)


def environment_of(package: str, folder: str) -> Environment:
    """What writes the templates of a package's folder; what they show is always text."""
    environment = Environment(
        loader=PackageLoader(package, folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= _FILTERS
    environment.globals |= _WORDS
    return environment
