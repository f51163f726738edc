"""What docstrings say of a class and of its members."""

import functools
import inspect
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import griffe

_IN_JSON: Final = {"None": "null", "True": "true", "False": "false"}


@dataclass(frozen=True, kw_only=True)
class Description:
    """What is said of a class, in the words of JSON: null where Python has None.

    Attributes:
        text: the whole class, its paragraphs joined.
        members: a field or an enum's member, without a full stop; only those that are described.
    """

    text: str
    members: Mapping[str, str]


def describe(cls: type) -> Description:
    """Read the docstring of a class, its section "Attributes:", and docstrings beneath members."""
    documented = _read_module(cls.__module__)[cls.__qualname__]
    sections = [] if documented.docstring is None else _parse(documented.docstring)
    members: dict[str, str] = {}
    for section in sections:
        if isinstance(section, griffe.DocstringSectionAttributes):
            members |= {each.name: each.description for each in section.value}
    for name, member in documented.members.items():
        is_property = "property" in member.labels
        if member.is_attribute and not is_property and member.docstring is not None:
            members[name] = member.docstring.value
    texts = [each.value for each in sections if isinstance(each, griffe.DocstringSectionText)]
    return Description(
        text=in_json(" ".join(texts)),
        members={name: in_json(text).removesuffix(".") for name, text in members.items()},
    )


def _parse(docstring: griffe.Docstring) -> list[griffe.DocstringSection]:
    # Without warnings of members that have no type: the annotations have them.
    return griffe.parse_google(docstring, warnings=False)


@functools.cache
def _read_module(name: str) -> griffe.Module:
    module = sys.modules[name]
    return griffe.visit(
        name, filepath=Path(inspect.getfile(module)), code=inspect.getsource(module)
    )


def in_json(text: str) -> str:
    """Return a text of Python's world in one line, and in the words of JSON."""
    on_one_line = " ".join(text.split())
    return re.sub(r"\b(None|True|False)\b", lambda found: _IN_JSON[found[0]], on_one_line)
