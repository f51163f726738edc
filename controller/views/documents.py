"""The JSON form of domain objects: what every `--json` prints, described in docs/json.md."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TypeAlias

from cattrs import Converter

from controller.domain.rankings import Ranking
from controller.views.reasons import sentence
from controller.views.wording import names_of
from protos.reasons import Reason

Document: TypeAlias = "bool | int | float | str | list[Document] | dict[str, Document] | None"


def to_document(domain_object: object) -> Document:
    """Turn a dataclass, or a sequence of them, into what `json.dumps` takes.

    Fields keep their names and order; an enum becomes its value, a tuple a list, and None stays
    null, so that every document of a kind has the same fields. A reason has its sentence beside its
    code, for people who read the document.
    """
    if isinstance(domain_object, Ranking):
        converter = _converter(names_of(domain_object))
    else:
        converter = _nameless()
    document: Document = converter.unstructure(domain_object)
    return document


@lru_cache(maxsize=1)
def _nameless() -> Converter:
    return _converter({})


def _converter(names: Mapping[str, str]) -> Converter:
    converter = Converter(unstruct_collection_overrides={Sequence: list, tuple: list})
    converter.register_unstructure_hook(
        Reason,
        lambda told: {
            "code": told.code.value,
            "figures": dict(told.figures),
            "words": dict(told.words),
            "sentence": sentence(told, names),
        },
    )
    return converter
