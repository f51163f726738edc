"""Dataclasses of no real document, with everything that one can have."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from protos.reasons import Reason


class Colour(Enum):
    """What it looks like."""

    RED = "red"
    GREEN = "green"
    HIDDEN = ""


class Ripeness(Enum):
    """How soft it is;
    None of it matters to wasps.
    """

    HARD = "hard"
    SOFT = "soft"
    """It falls | is picked."""


@dataclass(frozen=True, kw_only=True)
class Fruit:
    """What grows on a tree.

    Not on a bush.

    Attributes:
        name: as people say.
        weight_g: without its stalk, g; None where
            nobody weighed it.
        seed_count: how many it has.
        is_sweet: whether it is.
        ripeness: how soft it is.
        colours: all of them.
        prices: by the market.
        rings: years of its tree.
        flaws: why it was left.

    Raises:
        ValueError: never.
    """

    name: str
    weight_g: float | None
    seed_count: int
    is_sweet: bool | None = False
    ripeness: Ripeness | None = None
    colours: tuple[Colour, ...] = (Colour.RED,)
    prices: Mapping[str, float] = field(default_factory=dict)
    rings: tuple[tuple[int, ...], ...] = ()
    flaws: tuple[Reason, ...] = ()

    @property
    def is_heavy(self) -> bool:
        """Whether it is."""
        return self.weight_g is not None and self.weight_g > 200


@dataclass(frozen=True, kw_only=True)
class Basket:
    """What was picked.

    Attributes:
        best: None in an empty basket.
        fruits: the heaviest first.
    """

    best: Fruit | None = None
    fruits: tuple[Fruit, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Undescribed:
    """A field without words.

    Attributes:
        described: it has them.
    """

    described: int
    forgotten: int


@dataclass(frozen=True, kw_only=True)
class Described:
    """Words without a field.

    Attributes:
        described: it is there.
        removed: it is not.
    """

    described: int


class Plain:
    pass
