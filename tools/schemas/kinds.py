"""What a value is, in words: `text`, `list of numbers`, `[candidate](#candidate) or null`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tools.schemas.generation import Schema

_ONE: Final = {
    "string": ("text",),
    "integer": ("whole number",),
    "number": ("number",),
    "boolean": ("true", "false"),
    "null": ("null",),
}
_MANY: Final = {"string": "texts", "integer": "whole numbers", "number": "numbers"}


@dataclass(frozen=True, kw_only=True)
class Kinds:
    """The words for what schemas say.

    Attributes:
        definitions: every dataclass and enum, by its name.
        links: to those that have a table, by the same name; an enum without one is its values.
    """

    definitions: Mapping[str, Schema]
    links: Mapping[str, str]

    def words(self, schema: Schema) -> str:
        """Say what a value is."""
        *others, last = self._alternatives(schema)
        return f"{', '.join(others)} or {last}" if others else last

    def _alternatives(self, schema: Schema) -> tuple[str, ...]:
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            link = self.links.get(name)
            return values_of(self.definitions[name]) if link is None else (link,)
        if "anyOf" in schema:
            return tuple(words for each in schema["anyOf"] for words in self._alternatives(each))
        if schema["type"] == "array":
            return (f"list of {self._many(schema['items'])}",)
        if schema["type"] == "object":
            return (f"object of {self._many(schema['additionalProperties'])}",)
        return _ONE[schema["type"]]

    def _many(self, schema: Schema) -> str:
        return _MANY.get(schema.get("type", "")) or self.words(schema)


def values_of(enum: Schema) -> tuple[str, ...]:
    """Return the values of an enum as a page shows them."""
    return tuple(f"`{value}`" if value else "empty" for value in enum["enum"])
