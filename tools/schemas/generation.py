"""JSON schemas of dataclasses, as `controller.views.documents.to_document` prints them."""

import dataclasses
from typing import Any, Final, TypeAlias, cast

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from controller.views.documents import PRINTED_AS
from tools.schemas.docstrings import describe, in_json

Schema: TypeAlias = "dict[str, Any]"

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


class Undescribed(ValueError):
    """A dataclass and its section "Attributes:" do not have the same fields."""


def schema_of(name: str, printed: Any) -> Schema:
    """Return the schema of a document; `$defs` has every dataclass and enum in it.

    Args:
        name: of the document, for people.
        printed: a dataclass, or a tuple of as many as there are.

    Raises:
        Undescribed: a field has no description, or one that is described is not there.
    """
    # What stands at the top would be written out there, and not below $defs like all else.
    generated = TypeAdapter(tuple[printed, ...]).json_schema(
        mode="serialization", schema_generator=_Generator
    )
    # Whatever `enum_schema` gives, an enum has its docstring as it stands in the code.
    for definition in generated["$defs"].values():
        definition["description"] = in_json(definition["description"])
    return {
        "$schema": DIALECT,
        "$id": f"urn:edgerank:schema:{name}",
        "title": name,
        **generated["items"],
        "$defs": generated["$defs"],
    }


class _Generator(GenerateJsonSchema):
    """Writes what is printed: every field, no other, and no default."""

    def dataclass_schema(self, schema: core_schema.DataclassSchema) -> Schema:
        """Describe a dataclass, or what is printed in its place."""
        cls = schema["cls"]
        printed = PRINTED_AS.get(cls, cls)
        if printed is not cls:
            schema = cast(core_schema.DataclassSchema, TypeAdapter(printed).core_schema)
        described = describe(printed)
        generated = super().dataclass_schema(schema)
        properties = generated.get("properties", {})
        _refuse_differences(printed, set(described.members))
        for field, text in described.members.items():
            properties[field]["description"] = text
        return generated | {
            "title": cls.__name__,
            "description": described.text,
            "additionalProperties": False,
        }

    def enum_schema(self, schema: core_schema.EnumSchema) -> Schema:
        """Describe an enum, and each value where a docstring does; editors show these too."""
        described = describe(schema["cls"])
        generated = super().enum_schema(schema)
        if described.members:
            generated["enumDescriptions"] = [
                described.members.get(member.name, "") for member in schema["members"]
            ]
        return generated

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> Schema:
        """Leave the default out: nothing is left out of a document."""
        return self.generate_inner(schema["schema"])

    def field_is_required(self, *_: object, **__: object) -> bool:
        """Say yes, whatever the field."""
        return True

    def field_title_should_be_set(self, *_: object) -> bool:
        """Say no: a title would only repeat the field's name."""
        return False


def _refuse_differences(cls: type, described: set[str]) -> None:
    fields = {field.name for field in dataclasses.fields(cls)}
    where = f"{cls.__module__}.{cls.__qualname__}"
    for problem, names in (
        ("does not describe its fields", fields - described),
        ("describes what it does not have:", described - fields),
    ):
        if names:
            raise Undescribed(f'the section "Attributes:" of {where} {problem} {sorted(names)}')
