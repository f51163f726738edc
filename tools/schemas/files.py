"""The generated files: made, written, and compared with those that are there."""

import json
from pathlib import Path
from typing import Final

from tools.schemas.documents import DOCUMENTS
from tools.schemas.generation import Schema, schema_of
from tools.schemas.openapi import openapi
from tools.schemas.page import fill
from tools.schemas.sweep_file import sweep_file_schema

PAGE: Final = Path("docs/json.md")
FOLDER: Final = Path("docs/schemas")
# Beside what writes such files, so that an editor finds it where edgerank is installed.
SWEEP_FILE: Final = Path("controller/cli/sweeps/files/sweep-file.json")
# The same twice: for whoever reads, and beside what answers with it.
OPENAPI: Final = (Path("docs/asking/openapi.json"), Path("controller/api/web/openapi.json"))


def generate(page: str) -> dict[Path, str]:
    """Return what each file has to hold, by its path in the checkout.

    Args:
        page: text of the page, whose tables are made anew.
    """
    schemas = {name: schema_of(name, printed) for name, printed in DOCUMENTS.items()}
    texts = {FOLDER / f"{name}.json": _text(schema) for name, schema in schemas.items()}
    texts[SWEEP_FILE] = _text(sweep_file_schema())
    texts |= dict.fromkeys(OPENAPI, _text(openapi()))
    definitions = {
        name: each for schema in schemas.values() for name, each in schema["$defs"].items()
    }
    return texts | {PAGE: fill(page, definitions)}


def _text(schema: Schema) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def write(root: Path, texts: dict[Path, str]) -> None:
    """Write the files below a folder, and remove what nothing generates any more."""
    for path in surplus(root, texts):
        (root / path).unlink()
    for path, text in texts.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")


def stale(root: Path, texts: dict[Path, str]) -> list[Path]:
    """Return the files below a folder that are missing, or hold something else."""
    return [
        path
        for path, text in texts.items()
        if not (root / path).exists() or (root / path).read_text(encoding="utf-8") != text
    ]


def surplus(root: Path, texts: dict[Path, str]) -> list[Path]:
    """Return the schemas below a folder that nothing generates."""
    there = (path.relative_to(root) for path in (root / FOLDER).rglob("*.*"))
    return sorted(path for path in there if path not in texts)
