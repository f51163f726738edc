"""Columns of figures, made of the JSON texts of many documents without an object for each."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.json as pa_json

from controller.views.export import arrow_schema
from controller.views.export.arrays import texts_as_bytes
from controller.views.export.columns import inner_names


def figures_of_texts(texts: Mapping[str, Sequence[str | bytes | None]]) -> dict[str, pa.Array]:
    """The columns of fields that have nothing but figures inside: latency, memory and outputs.

    Args:
        texts: by the names of the fields, documents of as many measurements; None is none.

    Raises:
        ValueError: a text is no such document.
    """
    line = b"{%b}" % b",".join(b'"%b":%%b' % name.encode() for name in texts)
    lines = [line % each for each in zip(*map(_told, texts.values()), strict=True)]
    packed = b"\n".join(lines)
    table = pa_json.read_json(
        pa.BufferReader(packed),
        pa_json.ReadOptions(use_threads=False, block_size=len(packed) + 1),
        pa_json.ParseOptions(explicit_schema=_schema(texts), unexpected_field_behavior="ignore"),
    )
    # What has a line's end inside is more rows than one.
    if table.num_rows != len(lines):
        raise ValueError("documents")
    found: dict[str, pa.Array] = {}
    for name in texts:
        inside = table[name].combine_chunks()
        arrays = dict(zip((each.name for each in inside.type), inside.flatten(), strict=True))
        found |= {column: arrays[inner] for column, inner in inner_names(name).items()}
    for array in found.values():
        # The reader takes bytes of which no text can be made.
        array.validate(full=True)
    return found


def _told(texts: Sequence[Any]) -> Sequence[bytes]:
    if None in texts:
        texts = [b"null" if each is None else each for each in texts]
    return texts_as_bytes(texts)


def _schema(names: Mapping[str, Any]) -> pa.Schema:
    of_columns = arrow_schema()
    return pa.schema(
        [
            (
                name,
                pa.struct(
                    [
                        (inner, of_columns.field(column).type)
                        for column, inner in inner_names(name).items()
                    ]
                ),
            )
            for name in names
        ]
    )
