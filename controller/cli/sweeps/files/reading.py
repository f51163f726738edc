"""A sweep's file: read, and refused with every mistake in it, each where it stands."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any, Final

import click
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from controller.cli.sweeps.files.fields import UNREADABLE, field_options, file_model
from controller.domain.errors import EdgerankError, ErrorCode
from models.names import nearest

MAX_BYTES: Final = 1_000_000
STANDARD_INPUT: Final = "-"
_NO_FIELD: Final = "extra_forbidden"

_Path = tuple[str | int, ...]
"""A field, or a field and the number of one of its values."""


@dataclass(frozen=True, kw_only=True)
class SweepFile:
    """A file that was read.

    Attributes:
        name: what it is called.
        defaults: what its fields give the options, by the options' parameters.
        params: the parameter of each field that it has.
        marks: line and column of each field's value, and of each value of a list, from 1.
    """

    name: str
    defaults: Mapping[str, Any]
    params: Mapping[str, str]
    marks: Mapping[_Path, tuple[int, int]]

    def place(self, field: str, number: int) -> str:
        """Where a value of a field stands; where the field does, if one value is all of them."""
        mark = self.marks.get((field, number)) or self.marks[field,]
        return _placed(self.name, mark)


def read_sweep_file(path: str, command: click.Command) -> SweepFile:
    """Read a file, or standard input for "-", as what the options of a command say.

    Raises:
        EdgerankError: STORAGE when it cannot be read; INVALID_INPUT with all that is wrong in it,
            each where it stands.
    """
    name, text = _read(path)
    written = _Written(name)
    values = written.of_fields(_composed(name, text))
    model = file_model(command)
    read: BaseModel | None = None
    try:
        read = model.model_validate(values)
    except ValidationError as error:
        options = field_options(command)
        written.errors += [
            (written.mark_of(each), f"{each['loc'][0]}: {_sentence(each, options)}")
            for each in error.errors()
        ]
    if written.errors or read is None:
        lines = (f"{_placed(name, mark)}: {said}" for mark, said in sorted(written.errors))
        raise EdgerankError(ErrorCode.INVALID_INPUT, "\n".join(lines))
    params = {
        field: str(option.name)
        for field, option in field_options(command).items()
        if field in values
    }
    said = read.model_dump(by_alias=True, exclude_unset=True)
    defaults = {params[field]: _as_option(value) for field, value in said.items()}
    return SweepFile(name=name, defaults=defaults, params=params, marks=written.marks)


class _Written:
    """What stands in a file, and where; texts as they are written, whatever YAML makes of them."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.marks: dict[_Path, tuple[int, int]] = {}
        self._names: dict[str, tuple[int, int]] = {}
        self.errors: list[tuple[tuple[int, int], str]] = []

    def of_fields(self, node: Node | None) -> dict[str, Any]:
        """The value of each field: a text, or a list of them; what is neither is None."""
        if node is None:
            return {}
        if not isinstance(node, MappingNode):
            said = "a sweep is written as fields, as in 'models: MobileNetV1'"
            self.errors.append((_mark(node), said))
            return {}
        values: dict[str, Any] = {}
        for key, value in node.value:
            field = key.value if isinstance(key, ScalarNode) else ""
            if field in values:
                self.errors.append((_mark(key), f"{field}: it is there twice; write it once"))
                continue
            # What is not there stands nowhere; YAML has it at what follows.
            self.marks[field,] = _mark(key if _text(value) == "" else value)
            self._names[field] = _mark(key)
            values[field] = self._of_value(field, value)
        return values

    def _of_value(self, field: str, node: Node) -> Any:
        if not isinstance(node, SequenceNode):
            return _text(node)
        # Where one value holds several, their numbers are not those of the list.
        if not any("," in (_text(item) or "") for item in node.value):
            for number, item in enumerate(node.value):
                self.marks[field, number] = _mark(item)
        return [_text(item) for item in node.value]

    def mark_of(self, error: ErrorDetails) -> tuple[int, int]:
        """Where that is which an error speaks of: the field's name, or a value of it."""
        path = error["loc"]
        if error["type"] == _NO_FIELD:
            return self._names[str(path[0])]
        return self.marks.get(path) or self.marks[path[:1]]


def _read(path: str) -> tuple[str, str]:
    """What a file is called, and what is in it."""
    name = "standard input" if path == STANDARD_INPUT else path
    try:
        if path == STANDARD_INPUT:
            data = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            with Path(path).open("rb") as file:
                data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise EdgerankError(
            ErrorCode.STORAGE,
            f"cannot read {name}: {error.strerror}; name a file of YAML, or - for standard input",
        ) from error
    if len(data) > MAX_BYTES:
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            f"{name} is no sweep: it has more than {MAX_BYTES:,} bytes",
        )
    try:
        return name, data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise EdgerankError(
            ErrorCode.INVALID_INPUT, f"{name}:{line}: this is no text in UTF-8; save it as such"
        ) from error


def _composed(name: str, text: str) -> Node | None:
    """The nodes of a file; None where nothing stands in it."""
    try:
        node: Node | None = YAML(typ="rt").compose(StringIO(text))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = (1, 1) if mark is None else (mark.line + 1, mark.column + 1)
        problem = "; ".join(filter(None, (error.context, error.problem))) or "it cannot be read"
        raise EdgerankError(
            ErrorCode.INVALID_INPUT, f"{_placed(name, place)}: this is no YAML: {problem}"
        ) from error
    except (YAMLError, RecursionError) as error:
        problem = next(iter(str(error).splitlines()), "it cannot be read")
        raise EdgerankError(
            ErrorCode.INVALID_INPUT, f"{name}: this is no YAML: {problem}"
        ) from error
    return node


def _sentence(error: ErrorDetails, fields: Mapping[str, click.Option]) -> str:
    """What is wrong, and what would do."""
    if error["type"] == UNREADABLE:
        return str(error["ctx"]["said"])
    if error["type"] == _NO_FIELD:
        near = nearest(str(error["loc"][0]), fields)
        hint = f"nearest: {', '.join(near)}" if near else f"there are {', '.join(fields)}"
        return f"there is no such field; {hint}"
    if error["type"] == "list_type":
        return "write a value, or a list of values"
    return "write one value, and nothing within it"


def _as_option(value: Any) -> Any:
    """A field's value as its option is given it."""
    return ",".join(value) if isinstance(value, list) else value


def _text(node: Node) -> str | None:
    return str(node.value) if isinstance(node, ScalarNode) else None


def _mark(node: Node) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1


def _placed(name: str, mark: tuple[int, int]) -> str:
    line, column = mark
    return f"{name}:{line}:{column}"
