"""In which precisions backbones race: those in which a ranking knows how accurate they are."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from controller.domain.sweeps import SweepSpec
from models.catalog.catalog import Backbone
from models.catalog.precisions import Precision
from models.catalog.variants import precisions_of
from protos.reasons import Reason, ReasonCode, reason

Ranked: TypeAlias = Collection[tuple[str, Precision]]
"""Names of backbones, each with a precision in which its top-1 is known."""


@dataclass(frozen=True)
class Unraced:
    """What does not race of what is asked for: precisions, each with the backbones' names."""

    backbones: Mapping[Precision, frozenset[str]] = field(default_factory=dict)

    def allow(self, backbone: str, precision: Precision) -> bool:
        """Whether a backbone may race in a precision; where none races everything may be."""
        return backbone not in self.backbones.get(precision, ())

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Why, once for each precision."""
        return tuple(
            reason(
                ReasonCode.RACE_WITHOUT_ACCURACY,
                {"precision": precision.value, "backbones": ", ".join(sorted(names))},
                count=len(names),
            )
            for precision, names in self.backbones.items()
        )


def find_unraced(spec: SweepSpec, backbones: Iterable[Backbone], ranked: Ranked) -> Unraced:
    """Tell what does not race: precisions made of a backbone in which nobody knows its top-1.

    An answer would not rank it, whatever it takes. As it comes a backbone races also without, since
    it was named: it is measured once.

    Args:
        spec: what is asked for; in a sweep that is no race everything is measured.
        backbones: those asked for.
        ranked: those whose top-1 is known.
    """
    found: defaultdict[Precision, set[str]] = defaultdict(set)
    for backbone in backbones if spec.race is not None else ():
        for precision in precisions_of(backbone) & set(spec.precisions):
            is_known = (backbone.name, precision) in ranked
            if precision is not backbone.precision and not is_known:
                found[precision].add(backbone.name)
    return Unraced({each: frozenset(found[each]) for each in Precision if each in found})
