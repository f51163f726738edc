"""What devices compare with stays what it was for as long as it is there."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from obstore.store import LocalStore

from controller.conversions.stored import is_kept, keep
from controller.state.artifacts import Artifact, record_artifact
from controller.state.blobs import open_blobs
from controller.state.database import open_database
from models.catalog.catalog import load_catalog
from models.catalog.variants import Format, variants_of
from models.conversion.parity import Reference
from models.conversion.pipeline import Converted
from models.digest import file_sha256
from tests.integration.controller.conftest import content_of, converted_of

(VARIANT,) = (
    each for each in variants_of(load_catalog().get("MobileNetV1")) if each.format is Format.ONNX
)
MakeAgain = Callable[[bytes], Converted]


@pytest.fixture
def blobs(tmp_path: Path) -> LocalStore:
    return open_blobs(tmp_path)


@pytest.fixture
def made(tmp_path: Path) -> MakeAgain:
    """Makes the same file, whose reference has these bytes."""

    def make(outputs: bytes) -> Converted:
        artifact, reference = tmp_path / "made", tmp_path / "outputs"
        artifact.write_bytes(content_of(VARIANT))
        reference.write_bytes(outputs)
        found = Reference(reference, file_sha256(reference), len(outputs), tolerance=1e-4)
        return replace(converted_of(VARIANT), path=artifact, reference=found)

    return make


@pytest.fixture
def known(tmp_path: Path, blobs: LocalStore, made: MakeAgain) -> Artifact:
    """What was made first, and is stored."""
    database = open_database(f"sqlite:///{tmp_path / 'controller.sqlite'}")
    try:
        return record_artifact(database, keep(blobs, made(b"first"), None), now_unix_ms=0)
    finally:
        database.close()


def stored(tmp_path: Path, sha256: str) -> Path:
    return tmp_path / "artifacts" / sha256[:2] / sha256


def test_what_is_made_first_is_stored_with_its_reference(
    known: Artifact, blobs: LocalStore
) -> None:
    assert known.reference_sha256 is not None
    assert is_kept(blobs, known)


def test_a_reference_that_is_there_stays_when_the_artifact_is_made_again(
    tmp_path: Path, known: Artifact, blobs: LocalStore, made: MakeAgain
) -> None:
    stored(tmp_path, known.sha256).unlink()
    again = made(b"other")
    assert again.reference is not None
    assert keep(blobs, again, known).reference is None
    assert is_kept(blobs, known)
    assert not stored(tmp_path, again.reference.sha256).exists()


def test_a_reference_that_is_gone_is_replaced(
    tmp_path: Path, known: Artifact, blobs: LocalStore, made: MakeAgain
) -> None:
    assert known.reference_sha256 is not None
    stored(tmp_path, known.reference_sha256).unlink()
    again = made(b"other")
    assert again.reference is not None
    assert keep(blobs, again, known) == again
    assert stored(tmp_path, again.reference.sha256).read_bytes() == b"other"
