"""How pages are written: templates, and the words that they share with terminal and report."""

from functools import lru_cache
from typing import Final

from jinja2 import Environment
from markupsafe import Markup, escape

from controller.api.web.pages.ground import links
from controller.api.web.pages.ground.files import static_link
from controller.domain.quantities import format_interval
from controller.views import activities, device_words, wording
from controller.views.reasons.limits import effect_words, fleet_effect_words, uncertain_words
from controller.views.report.templating import environment_of
from controller.views.sweeps import words as sweep_words

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
    environment = environment_of("controller.api.web.pages", "templates")
    environment.filters |= {
        "breakable": _breakable,
        "words": lambda code: code.replace("_", " "),
    }
    environment.globals |= {
        "navigation": _NAVIGATION,
        "activity_words": activities.activity_words,
        "basis_words": sweep_words.basis_words,
        "before_words": sweep_words.before_words,
        "effect_words": effect_words,
        "event_words": device_words.event_words,
        "figures_words": wording.figures_words,
        "fleet_effect_words": fleet_effect_words,
        "group_words": sweep_words.group_words,
        "absent_words": device_words.absent_words,
        "held_up_words": device_words.held_up_words,
        "instruction_set_words": device_words.instruction_set_words,
        "interval": format_interval,
        "is_remarkable": device_words.is_remarkable,
        "device_link": links.device_link,
        "measurement_link": links.measurement_link,
        "sweep_link": links.sweep_link,
        "sweep_query": links.sweep_query,
        "median_words": wording.median_words,
        "pause_words": sweep_words.pause_words,
        "place_words": wording.place_words,
        "static_link": static_link,
        "standing_words": device_words.standing_words,
        "surroundings_words": device_words.surroundings_words,
        "time_words": sweep_words.time_words,
        "uncertain_words": uncertain_words,
    }
    return environment


def _breakable(name: str) -> Markup:
    """A name that may go on in the next line behind each of its underscores."""
    return Markup("_<wbr>").join(escape(part) for part in name.split("_"))
