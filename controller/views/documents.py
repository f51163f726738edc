"""The JSON form of domain objects: what every `--json` prints, described in docs/json.md."""

from collections.abc import Sequence
from functools import lru_cache
from typing import TypeAlias

from cattrs import Converter

Document: TypeAlias = "bool | int | float | str | list[Document] | dict[str, Document] | None"


def to_document(domain_object: object) -> Document:
    """Turn a dataclass, or a sequence of them, into what `json.dumps` takes.

    Fields keep their names and order; an enum becomes its value, a tuple a list, and None stays
    null, so that every document of a kind has the same fields.
    """
    document: Document = _converter().unstructure(domain_object)
    return document


@lru_cache(maxsize=1)
def _converter() -> Converter:
    return Converter(unstruct_collection_overrides={Sequence: list, tuple: list})
