"""The JSON form of domain objects: what every `--json` prints, described in docs/json.md."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Final, TypeAlias

from cattrs import Converter

from controller.domain.rankings import Ranking
from controller.domain.rankings.beside import RankingBeside
from controller.domain.rankings.finding import Found
from controller.views.reasons import sentence
from controller.views.wording import names_of
from protos.reasons import Reason, ReasonCode

Document: TypeAlias = "bool | int | float | str | list[Document] | dict[str, Document] | None"


@dataclass(frozen=True, kw_only=True)
class ToldReason:
    """Why something is so: for programs a code with its figures and words, for people a sentence.

    Attributes:
        code: what is so.
        figures: by their names, those of the code.
        words: by their names, those of the code.
        sentence: all of it as a clause without a full stop; its wording may change.
    """

    code: ReasonCode
    figures: Mapping[str, float]
    words: Mapping[str, str]
    sentence: str


PRINTED_AS: Final[Mapping[type, type]] = MappingProxyType({Reason: ToldReason})
"""What stands in a document for a dataclass that is not printed as it is."""

_PERHAPS_ODD: Final = re.compile(r"[^\n -~]")


def to_document(domain_object: object) -> Document:
    """Turn a dataclass, or a sequence of them, into what `json.dumps` takes.

    Fields keep their names and order; an enum becomes its value, a tuple a list, and None stays
    null, so that every document of a kind has the same fields. A reason has its sentence beside its
    code, for people who read the document.
    """
    within = domain_object
    if isinstance(within, Found | RankingBeside):
        within = within.ranking
    converter = _converter(names_of(within)) if isinstance(within, Ranking) else _nameless()
    document: Document = converter.unstructure(domain_object)
    return document


def spelt_safely(text: str) -> str:
    """A text in JSON with all that is not printable escaped: it reaches terminals."""
    return _PERHAPS_ODD.sub(_spelt, text)


def _spelt(found: re.Match[str]) -> str:
    character = found[0]
    return character if character.isprintable() else json.dumps(character)[1:-1]


@lru_cache(maxsize=1)
def _nameless() -> Converter:
    return _converter({})


def _converter(names: Mapping[str, str]) -> Converter:
    converter = Converter(unstruct_collection_overrides={Sequence: list, tuple: list})
    converter.register_unstructure_hook(
        Reason, lambda reason: converter.unstructure(_told(reason, names))
    )
    return converter


def _told(reason: Reason, names: Mapping[str, str]) -> ToldReason:
    return ToldReason(
        code=reason.code,
        figures=reason.figures,
        words=reason.words,
        sentence=sentence(reason, names),
    )
