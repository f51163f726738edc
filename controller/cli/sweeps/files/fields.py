"""The fields of a sweep's file, made of the options: what an option takes, its field takes.

A field is called as its option is, without the dashes before it.
"""

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Annotated, Any, Final

import click
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, create_model
from pydantic import WithJsonSchema as JsonSchema
from pydantic_core import PydanticCustomError

from controller.cli.options.values import EVERY
from models.catalog.precisions import Precision
from models.catalog.variants import Target
from protos.runtimes import Runtime

ASKING: Final = frozenset({"controller", "json", "print-file", "no-follow", "help"})
"""Options that say nothing of a sweep."""

UNREADABLE: Final = "unreadable"
"""The kind of an error whose context has our sentence as `said`."""


def _values(choices: type[Enum]) -> dict[str, Any]:
    return {"enum": [choice.value for choice in choices]}


# What takes several values, and what one of them is.
_LISTS: Final[Mapping[str, dict[str, Any]]] = {
    "models": {"type": "string"},
    "devices": {"type": "string"},
    "runtimes": _values(Runtime),
    "precisions": {"enum": [EVERY, *(each.value for each in Precision)]},
    "accelerators": {"enum": [each.value for each in Target if each.is_accelerator]},
    "threads": {"type": "integer"},
    "input-size": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
    "batch": {"type": "integer"},
}
_SWITCH: Final = {"true": True, "false": False}


def field_options(command: click.Command) -> Mapping[str, click.Option]:
    """The options of a command that say something of a sweep, each by the name of its field."""
    options = (param for param in command.params if isinstance(param, click.Option))
    named = ((option.opts[0].removeprefix("--"), option) for option in options)
    return {name: option for name, option in named if name not in ASKING}


def file_model(command: click.Command) -> type[BaseModel]:
    """What a file may say, held to what the options of a command take."""
    fields: dict[str, Any] = {
        name.replace("-", "_"): (
            _field_type(name, option),
            # Not a default, which would be null in the schema, and may not be written.
            Field(default_factory=_absent, alias=name, description=_described(option)),
        )
        for name, option in field_options(command).items()
    }
    return create_model(
        "SweepFile",
        __config__=ConfigDict(extra="forbid"),
        __doc__="A sweep, as `edgerank sweep FILE.yaml` and `edgerank plan FILE.yaml` read it.",
        **fields,
    )


def _field_type(name: str, option: click.Option) -> Any:
    checked = Annotated[str, AfterValidator(_read_by(option))]
    if option.is_flag:
        return Annotated[bool, BeforeValidator(_switched), JsonSchema(_schema(option))]
    if name in _LISTS:
        item = _LISTS[name]
        several = {"type": "array", "items": item, "minItems": 1}
        either = {"anyOf": [item, several]}
        return Annotated[list[checked], BeforeValidator(_listed), JsonSchema(either)]
    return Annotated[checked, JsonSchema(_schema(option))]


def _absent() -> None:
    """Stands for a field that is not there."""


def _schema(option: click.Option) -> dict[str, Any]:
    schema: dict[str, Any]
    if option.is_flag:
        schema = {"type": "boolean"}
    elif isinstance(option.type, click.Choice):
        schema = {"enum": [each.value for each in option.type.choices]}
    elif isinstance(option.type, click.IntRange):
        schema = {"type": "integer", "minimum": option.type.min, "maximum": option.type.max}
    else:
        schema = {"anyOf": [{"type": "string"}, {"type": "integer"}]}
    is_told = option.show_default is True
    return schema | ({"default": option.default} if is_told else {})


def _described(option: click.Option) -> str:
    """What the option's help says, and how its value is written."""
    told = " ".join((option.help or "").split())
    metavar = "" if option.is_flag or option.metavar is None else f"As {option.metavar}."
    return " ".join(filter(None, (told, metavar)))


def _read_by(option: click.Option) -> Callable[[str], str]:
    """Refuses a text that the option would refuse."""

    def check(text: str) -> str:
        if not text.strip():
            raise _unreadable("it has no value: write one, or leave the field out")
        try:
            option.type.convert(text, option, None)
        except click.UsageError as error:
            raise _unreadable(error.message.removesuffix(".")) from error
        return text

    return check


def _listed(value: Any) -> Any:
    if value == []:
        raise _unreadable("the list is empty: write a value, or leave the field out")
    return [value] if isinstance(value, str) else value


def _switched(value: Any) -> bool:
    if not isinstance(value, str) or value not in _SWITCH:
        raise _unreadable("write true or false")
    return _SWITCH[value]


def _unreadable(said: str) -> PydanticCustomError:
    return PydanticCustomError(UNREADABLE, "{said}", {"said": said})
