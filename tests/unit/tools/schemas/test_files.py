"""Generated files: written, and told from those that are stale or too many."""

from pathlib import Path

import pytest

from tools.schemas.documents import DOCUMENTS
from tools.schemas.files import (
    FOLDER,
    OPENAPI,
    PAGE,
    SWEEP_FILE,
    generate,
    stale,
    surplus,
    write,
)

ROOT = Path(__file__).parents[4]
SCHEMA = FOLDER / "one.json"
TEXTS = {PAGE: "page\n", SCHEMA: "{}\n"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write(tmp_path, TEXTS)
    return tmp_path


def test_each_document_has_a_schema_and_the_page_is_made_anew() -> None:
    texts = generate((ROOT / PAGE).read_text("utf-8"))
    documents = {FOLDER / f"{name}.json" for name in DOCUMENTS}
    assert set(texts) == {PAGE, SWEEP_FILE, *OPENAPI} | documents


def test_what_was_written_is_up_to_date(root: Path) -> None:
    assert (root / SCHEMA).read_text("utf-8") == TEXTS[SCHEMA]
    assert not stale(root, TEXTS)
    assert not surplus(root, TEXTS)


def test_a_changed_or_missing_file_is_stale(root: Path) -> None:
    (root / PAGE).write_text("other\n", "utf-8")
    (root / SCHEMA).unlink()
    assert stale(root, TEXTS) == [PAGE, SCHEMA]


def test_a_schema_of_no_document_is_surplus_until_written_again(root: Path) -> None:
    (root / FOLDER / "gone.json").write_text("{}\n", "utf-8")
    assert surplus(root, TEXTS) == [FOLDER / "gone.json"]
    write(root, TEXTS)
    assert not surplus(root, TEXTS)
