"""What the page that compares is asked, read from its address."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final, TypeVar

from controller.api.web.pages.asking.question import check_names
from controller.api.web.pages.comparing.sides import Side
from controller.domain.comparisons import CompareQuestion
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.names import find_choice
from controller.domain.selectors import parse_selector
from controller.views.counting import counted
from models.catalog.precisions import Precision
from protos.runtimes import Runtime

ReadT = TypeVar("ReadT")

_MOST_DIGITS: Final = 4
_OF_SIDES: Final = ("runtime", "threads", "precision")
_NAMES: Final = (
    *("of", "a", "b", "device", "backbone"),
    *(f"{side}_{name}" for side in "ab" for name in _OF_SIDES),
)


class Kind(Enum):
    """Two of what."""

    BACKBONES = "backbones"
    DEVICES = "devices"
    SWEEPS = "sweeps"
    SETTINGS = "settings"
    ANYTHING = "anything"


@dataclass(frozen=True, kw_only=True)
class TwoSides:
    """Two devices, or two settings of one backbone."""

    a: Side
    b: Side


def read_kind(asked: Mapping[str, str]) -> Kind:
    """Two of what; whoever wrote selectors compares anything.

    Raises:
        EdgerankError: UNKNOWN_NAME; INVALID_INPUT for a parameter that the page does not have.
    """
    check_names(asked, _NAMES)
    if asked.get("of"):
        return find_choice(Kind, "comparison", asked["of"])
    return Kind.ANYTHING if asked.get("a") and asked.get("b") else Kind.BACKBONES


def read_comparison(asked: Mapping[str, str], kind: Kind) -> CompareQuestion | TwoSides | None:
    """What is to be compared; None while a side is missing.

    Raises:
        EdgerankError: INVALID_INPUT, UNKNOWN_NAME.
    """
    if kind is Kind.SETTINGS:
        return _settings(asked)
    a, b = asked.get("a", ""), asked.get("b", "")
    if not a or not b:
        return None
    if kind is not Kind.ANYTHING and a == b:
        raise _same()
    device = asked.get("device") or None
    if kind is Kind.DEVICES:
        side = Side(label="", backbone=asked.get("backbone") or None)
        return TwoSides(a=replace(side, label=a, device=a), b=replace(side, label=b, device=b))
    if kind is Kind.BACKBONES:
        a, b = f"backbone:{a}", f"backbone:{b}"
    return CompareQuestion(a=parse_selector(a), b=parse_selector(b), device=device)


def _settings(asked: Mapping[str, str]) -> TwoSides | None:
    backbone = asked.get("backbone", "")
    sides = [_side(asked, backbone, which) for which in ("a", "b")]
    if not backbone or None in (sides[0], sides[1]):
        return None
    a, b = filter(None, sides)
    for name in _OF_SIDES:
        if (getattr(a, name) is None) is not (getattr(b, name) is None):
            raise EdgerankError(
                ErrorCode.INVALID_INPUT,
                f"only one side says its {name}; say it for A and B, or for neither",
            )
    if replace(a, label="") == replace(b, label=""):
        raise _same()
    return TwoSides(a=a, b=b)


def _side(asked: Mapping[str, str], backbone: str, which: str) -> Side | None:
    def read(name: str, reading: Callable[[str], ReadT]) -> ReadT | None:
        text = asked.get(f"{which}_{name}", "")
        return reading(text) if text else None

    side = Side(
        label="",
        backbone=backbone,
        device=asked.get("device") or None,
        runtime=read("runtime", lambda text: find_choice(Runtime, "runtime", text)),
        threads=read("threads", _count),
        precision=read("precision", lambda text: find_choice(Precision, "precision", text)),
    )
    words = [
        side.runtime.value if side.runtime else "",
        counted(side.threads, "thread") if side.threads else "",
        side.precision.value if side.precision else "",
    ]
    label = ", ".join(filter(None, words))
    return replace(side, label=label) if label else None


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS and int(text)):
        raise EdgerankError(ErrorCode.INVALID_INPUT, f"{text[:20]!r} is no number of threads")
    return int(text)


def _same() -> EdgerankError:
    return EdgerankError(ErrorCode.INVALID_INPUT, "A and B are the same; choose another for one")
