"""What is said of the best backbone of a whole fleet."""

from collections.abc import Collection, Iterable
from typing import Final

from controller.domain.quantities import format_number
from controller.domain.rankings import Merit
from controller.domain.rankings.fleet import (
    FleetChoice,
    FleetRanking,
    IncompleteChoice,
)
from controller.views.counting import counted, first_of
from controller.views.reasons.limits import constraint_words
from controller.views.wording import MERIT_WORDS
from models.catalog.catalog import IMAGENET

_NAMES_SHOWN: Final = 6
_OF_A_COST: Final = {Merit.LATENCY: "slower", Merit.MEMORY: "more memory"}


def fleet_headline(ranking: FleetRanking, *, of_each: bool) -> str:
    """Begin the answer: for all 3 devices together, or for each of them."""
    devices = counted(len(ranking.places), "device")
    asked = _asked_words(ranking)
    under = f" ({asked})" if asked else ""
    best = MERIT_WORDS[ranking.merit]
    if of_each:
        return f"{best} on each of {devices}{under}"
    if ranking.least_worst is None:
        return f"No backbone is measured and within the constraints on all of {devices}{under}"
    return f"{best} for all of {devices} together{under}: {ranking.least_worst.backbone}"


def fleet_rule(ranking: FleetRanking) -> str:
    """Say how the winner of a fleet is chosen, and what its losses are."""
    beside = {
        Merit.LATENCY: "in latency beside the fastest there",
        Merit.MEMORY: "in memory beside the least there",
        Merit.ACCURACY: "in points of top-1 beside the most accurate there",
        Merit.VALUE: (
            "in points of top-1 beside the best value there, both above the line from the "
            "fastest to the most accurate"
        ),
    }
    rule = "The winner loses the least on the device where it loses the most"
    return f"{rule}, {beside[ranking.merit]}."


def regret_words(regret: float, merit: Merit) -> str:
    """Say what is lost: best there, 12 % slower, 1.2 points."""
    if round(regret, 3) == 0:
        return "best there"
    if merit in _OF_A_COST:
        return f"{format_number(100 * regret)} % {_OF_A_COST[merit]}"
    return f"{format_number(regret)} points"


def loss_words(choice: FleetChoice, merit: Merit) -> str:
    """Say where a backbone loses the most, and what it loses on average."""
    worst = regret_words(choice.worst_regret, merit)
    if round(choice.worst_regret, 3) == 0:
        return "the best on every device"
    is_little = round(choice.mean_regret, 3) == 0
    mean = "next to nothing" if is_little else regret_words(choice.mean_regret, merit)
    return f"at most {worst} (on {choice.worst_device}), on average {mean}"


def lacking_words(choice: IncompleteChoice) -> str:
    """Say where a backbone has no figures, and where they are not within the constraints."""
    told = []
    if choice.unmeasured_on:
        told.append(f"no figures that count on {_few(choice.unmeasured_on)}")
    if choice.excluded_on:
        told.append(f"outside of the constraints on {_few(choice.excluded_on)}")
    return ", ".join(told)


def without_figures_words(names: Collection[str]) -> str:
    """Say which devices do not take part."""
    verb = "has" if len(names) == 1 else "have"
    return f"{_few(names)} {verb} no figures that count, and did not take part."


def share_words(share: float) -> str:
    """Say how much a device counts on average."""
    return f"{format_number(100 * share)} %"


def why_none_words(ranking: FleetRanking) -> str:
    """Say in one sentence why there is no answer, and what to do."""
    if not ranking.places:
        return (
            "no device has figures that count; measure with 'edgerank sweep', or ask for what is "
            "left out: --include-emulated, other verdicts than those of --only"
        )
    empty = [place.device for place in ranking.places if place.best is None]
    if empty:
        return f"no measured candidate on {_few(empty)} satisfies this; loosen it, or measure more"
    return (
        "no backbone that satisfies this has figures on every device; measure the same ones on "
        "all of them"
    )


def _asked_words(ranking: FleetRanking) -> str:
    words = [constraint_words(ranking.constraints)]
    if ranking.accuracy_dataset != IMAGENET:
        words.append(f"accuracy on {ranking.accuracy_dataset}")
    return ", ".join(filter(None, words))


def _few(names: Iterable[str]) -> str:
    return first_of(list(names), _NAMES_SHOWN)
