"""The question that people put on the first page: a form, and the same in the page's address."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, TypeVar
from urllib.parse import urlencode

from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.rankings import Constraints, Merit
from models.catalog.tiers import Tier
from protos.names import printable
from protos.runtimes import Runtime

EnumT = TypeVar("EnumT", bound=Enum)

_BYTES_PER_MB: Final = 1_000_000
_LONGEST_WORD: Final = 40


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked on the first page.

    Attributes:
        device: its name; empty where none was chosen yet.
        constraints: what the best has to satisfy.
        shows_all: whether every candidate is listed, however many there are.
    """

    device: str = ""
    constraints: Constraints = field(default_factory=Constraints)
    shows_all: bool = False


@dataclass(frozen=True, kw_only=True)
class Slider:
    """A limit that is dragged or written.

    Attributes:
        name: of the parameter in the page's address.
        label: what people read.
        unit: behind the number.
        low: where the slider begins, in the unit.
        high: where it ends.
        is_log: whether equal ways on it are equal ratios.
        none_at: the end that means no limit: "low" or "high".
    """

    name: str
    label: str
    unit: str
    low: float
    high: float
    is_log: bool
    none_at: str


SLIDERS: Final = (
    Slider(
        name="max_latency_ms",
        label="Latency at most",
        unit="ms",
        low=0.5,
        high=1_000,
        is_log=True,
        none_at="high",
    ),
    Slider(
        name="max_memory_mb",
        label="Memory at most",
        unit="MB",
        low=5,
        high=2_000,
        is_log=True,
        none_at="high",
    ),
    Slider(
        name="min_top1",
        label="Top-1 at least",
        unit="%",
        low=50,
        high=90,
        is_log=False,
        none_at="low",
    ),
)


def read_question(asked: Mapping[str, str]) -> Question:
    """Read a question from the parameters of an address; what is empty is not asked.

    Raises:
        EdgerankError: INVALID_INPUT, with the parameter and what it may be.
    """
    most_mb = _number(asked, "max_memory_mb")
    threads = _number(asked, "threads")
    least = _number(asked, "min_top1")
    if least is not None and least > 100:
        raise _invalid("min_top1", asked, "a percentage, at most 100")
    if threads is not None and threads != int(threads):
        raise _invalid("threads", asked, "a whole number above 0")
    return Question(
        device=asked.get("device", "").strip(),
        constraints=Constraints(
            max_latency_ms=_number(asked, "max_latency_ms"),
            max_memory_bytes=None if most_mb is None else max(1, round(most_mb * _BYTES_PER_MB)),
            min_top1=least,
            tier=_word(asked, "tier", Tier),
            runtime=_word(asked, "runtime", Runtime),
            threads=None if threads is None else int(threads),
            by=_word(asked, "by", Merit),
        ),
        shows_all=bool(asked.get("all")),
    )


def write_question(question: Question) -> str:
    """Write a question as the parameters of an address, without what is not asked."""
    asked = question.constraints
    most_bytes = asked.max_memory_bytes
    values: dict[str, object] = {
        "device": question.device,
        "max_latency_ms": _plain(asked.max_latency_ms),
        "max_memory_mb": _plain(None if most_bytes is None else most_bytes / _BYTES_PER_MB),
        "min_top1": _plain(asked.min_top1),
        "tier": asked.tier and asked.tier.value,
        "runtime": asked.runtime and asked.runtime.value,
        "threads": asked.threads,
        "by": asked.by and asked.by.value,
        "all": "1" if question.shows_all else "",
    }
    return urlencode({name: value for name, value in values.items() if value not in ("", None)})


def _plain(number: float | None) -> str:
    return "" if number is None else f"{number:.6g}"


def _number(asked: Mapping[str, str], name: str) -> float | None:
    return _read(asked, name, float, "a number above 0", lambda number: 0 < number < 1e12)


def _word(asked: Mapping[str, str], name: str, kind: type[EnumT]) -> EnumT | None:
    known = ", ".join(str(each.value) for each in kind)
    return _read(asked, name, kind, f"one of {known}", lambda _: True)


ReadT = TypeVar("ReadT")


def _read(
    asked: Mapping[str, str],
    name: str,
    read: Callable[[str], ReadT],
    may_be: str,
    holds: Callable[[ReadT], bool],
) -> ReadT | None:
    text = asked.get(name, "").strip()
    if not text:
        return None
    try:
        found = read(text)
    except ValueError as error:
        raise _invalid(name, asked, may_be) from error
    if not holds(found):
        raise _invalid(name, asked, may_be)
    return found


def _invalid(name: str, asked: Mapping[str, str], may_be: str) -> EdgerankError:
    text = printable(asked[name])[:_LONGEST_WORD]
    return EdgerankError(
        ErrorCode.INVALID_INPUT, f"{name.replace('_', ' ')} is {text!r}; write {may_be}"
    )
