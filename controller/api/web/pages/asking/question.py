"""The question that people put on the first page: a form, and the same in the page's address."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, TypeVar
from urllib.parse import urlencode

from controller.api.web.pages.asking.limits import BYTES_PER_MB
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.rankings import Constraints, Merit
from controller.domain.rankings.limits import Criterion, at_most
from models.catalog.precisions import Precision
from models.catalog.tiers import Tier
from models.names import nearest
from protos.names import printable
from protos.runtimes import Runtime

EnumT = TypeVar("EnumT", bound=Enum)
ReadT = TypeVar("ReadT")

_LONGEST_WORD: Final = 40
_MOST_SERIES: Final = 100
_LONGEST_SERIES: Final = 200
# As many as a number surely has: whoever is sent the address asks the same.
_DIGITS: Final = 15
_YES_OR_NO: Final = {"yes": True, "no": False}


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked on the first page.

    Attributes:
        device: its name; empty where none was chosen yet.
        constraints: what the best has to satisfy.
        shows_all: whether more of the candidates are listed than the first.
    """

    device: str = ""
    constraints: Constraints = field(default_factory=Constraints)
    shows_all: bool = False


def read_question(
    asked: Mapping[str, str], besides: Collection[str] = (), *, without: Collection[str] = ()
) -> Question:
    """Read a question from the parameters of an address; what is empty is not asked.

    Args:
        asked: the parameters.
        besides: names of those that the page reads itself.
        without: names of those that mean nothing on the page.

    Raises:
        EdgerankError: INVALID_INPUT, with the parameter and what it may be. A limit whose name is
            misspelt would else be none.
    """
    check_names(asked, [*(name for name in _values(Question()) if name not in without), *besides])
    least = _number(asked, "min_top1")
    if least is not None and least > 100:
        raise _invalid("min_top1", asked, "a percentage, at most 100")
    confidence = _number(asked, "confidence")
    return Question(
        device=asked.get("device", "").strip(),
        constraints=Constraints(
            max_latency_ms=_number(asked, "max_latency_ms"),
            max_memory_bytes=_bytes(asked, "max_memory_mb"),
            min_top1=least,
            tier=_word(asked, "tier", Tier),
            runtime=_word(asked, "runtime", Runtime),
            threads=_count(asked, "threads"),
            by=_word(asked, "by", Merit),
            limits=at_most(
                {
                    Criterion.P90: _number(asked, "max_p90_ms"),
                    Criterion.P99: _number(asked, "max_p99_ms"),
                    Criterion.ARTIFACT_SIZE: _bytes(asked, "max_artifact_mb"),
                    Criterion.PARAMS: _number(asked, "max_params_m"),
                }
            ),
            series=_series(asked),
            distilled=_yes_or_no(asked, "distilled"),
            extra_data=_yes_or_no(asked, "extra_data"),
            precision=_word(asked, "precision", Precision),
            confidence=None if confidence is None else confidence / 100,
        ),
        shows_all=bool(asked.get("all")),
    )


def write_question(question: Question) -> str:
    """Write a question as the parameters of an address, without what is not asked."""
    values = _values(question)
    return urlencode({name: value for name, value in values.items() if value not in ("", None)})


def _values(question: Question) -> dict[str, object]:
    """What stands in an address, by the names of its parameters."""
    asked = question.constraints
    limits = {each.criterion: each.value for each in asked.limits}
    return {
        "device": question.device,
        "max_latency_ms": _plain(asked.max_latency_ms),
        "max_memory_mb": _megabytes(asked.max_memory_bytes),
        "min_top1": _plain(asked.min_top1),
        "max_p90_ms": _plain(limits.get(Criterion.P90)),
        "max_p99_ms": _plain(limits.get(Criterion.P99)),
        "max_artifact_mb": _megabytes(limits.get(Criterion.ARTIFACT_SIZE)),
        "max_params_m": _plain(limits.get(Criterion.PARAMS)),
        "tier": asked.tier and asked.tier.value,
        "series": ",".join(asked.series),
        "distilled": _yes_or_no_words(asked.distilled),
        "extra_data": _yes_or_no_words(asked.extra_data),
        "runtime": asked.runtime and asked.runtime.value,
        "precision": asked.precision and asked.precision.value,
        "threads": asked.threads,
        "by": asked.by and asked.by.value,
        "confidence": _plain(None if asked.confidence is None else 100 * asked.confidence),
        "all": "1" if question.shows_all else "",
    }


def check_names(asked: Iterable[str], known: Collection[str]) -> None:
    """Refuse a parameter of an address that its page does not read.

    Raises:
        EdgerankError: INVALID_INPUT, with the nearest right names.
    """
    for name in asked:
        if name not in known:
            near = nearest(name, known, likeness=0.4) or known
            raise EdgerankError(
                ErrorCode.INVALID_INPUT,
                f"{printable(name)[:_LONGEST_WORD]!r} is nothing that can be asked here; write "
                f"{' or '.join(near)}",
            )


def _plain(number: float | None) -> str:
    return "" if number is None else f"{number:.{_DIGITS}g}"


def _megabytes(size_bytes: float | None) -> str:
    return _plain(None if size_bytes is None else size_bytes / BYTES_PER_MB)


def _yes_or_no_words(answer: bool | None) -> str:
    return next((word for word, means in _YES_OR_NO.items() if means is answer), "")


def _number(asked: Mapping[str, str], name: str) -> float | None:
    return _read(asked, name, float, "a number above 0", lambda number: 0 < number < 1e12)


def _bytes(asked: Mapping[str, str], name: str) -> int | None:
    megabytes = _number(asked, name)
    return None if megabytes is None else max(1, round(megabytes * BYTES_PER_MB))


def _count(asked: Mapping[str, str], name: str) -> int | None:
    number = _number(asked, name)
    if number is not None and number != int(number):
        raise _invalid(name, asked, "a whole number above 0")
    return None if number is None else int(number)


def _word(asked: Mapping[str, str], name: str, kind: type[EnumT]) -> EnumT | None:
    known = ", ".join(str(each.value) for each in kind)
    return _read(asked, name, kind, f"one of {known}", lambda _: True)


def _yes_or_no(asked: Mapping[str, str], name: str) -> bool | None:
    word = _read(asked, name, str, "yes or no", _YES_OR_NO.__contains__)
    return None if word is None else _YES_OR_NO[word]


def _series(asked: Mapping[str, str]) -> tuple[str, ...]:
    def named() -> Iterator[str]:
        for name in asked.get("series", "").split(","):
            yield name.strip()

    found = tuple(dict.fromkeys(filter(None, named())))
    if len(found) > _MOST_SERIES or any(len(each) > _LONGEST_SERIES for each in found):
        raise _invalid("series", asked, f"names joined by commas, at most {_MOST_SERIES}")
    return found


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
