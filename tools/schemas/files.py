"""The generated files: made, written, and compared with those that are there."""

import json
from pathlib import Path
from typing import Final

from tools.schemas.documents import DOCUMENTS
from tools.schemas.generation import schema_of
from tools.schemas.page import fill

PAGE: Final = Path("docs/json.md")
FOLDER: Final = Path("docs/schemas")


def generate(page: str) -> dict[Path, str]:
    """Return what each file has to hold, by its path in the checkout.

    Args:
        page: text of the page, whose tables are made anew.
    """
    schemas = {name: schema_of(name, printed) for name, printed in DOCUMENTS.items()}
    texts = {
        FOLDER / f"{name}.json": json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
        for name, schema in schemas.items()
    }
    definitions = {
        name: each for schema in schemas.values() for name, each in schema["$defs"].items()
    }
    return texts | {PAGE: fill(page, definitions)}


def write(root: Path, texts: dict[Path, str]) -> None:
    """Write the files below a folder, and remove what nothing generates any more."""
    for path in surplus(root, texts):
        (root / path).unlink()
    (root / FOLDER).mkdir(parents=True, exist_ok=True)
    for path, text in texts.items():
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
    there = (path.relative_to(root) for path in (root / FOLDER).glob("*"))
    return sorted(path for path in there if path not in texts)
