"""What is at hand waits for no download, whatever became of other weights that are recorded."""

import hashlib
import json
import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from obstore.store import LocalStore

from controller.conversions.converter import Converter
from controller.conversions.fetching import Fetching
from controller.conversions.requests import Listener
from controller.domain.conversions import ConversionOutcome, ConversionResult
from controller.state.artifacts import record_artifact
from controller.state.blobs import put_blob
from controller.state.database import Database
from models.catalog.catalog import load_catalog
from models.catalog.variants import Format, Variant, WeightsKind, variants_of
from models.weights.addresses import published_address
from models.weights.download import DownloadFailed, Progress
from models.weights.weights import Weights, resolve_weights
from tests.integration.controller.conftest import content_of, converted_of

CATALOG = load_catalog()
HERE, GONE = (
    variant
    for name in ("MobileNetV1", "ResNet18")
    for variant in variants_of(CATALOG.get(name))
    if variant.format is Format.ONNX
)
LONG_S = 60.0


def fetched_before(folder: Path, name: str) -> Path:
    """The file of published weights, recorded as if it had been fetched; of this test's bytes."""
    folder.mkdir(exist_ok=True)
    address = published_address(CATALOG.get(name))
    path = folder / Path(urlsplit(address).path).name
    path.write_bytes(name.encode())
    record = {"source": address, "sha256": hashlib.sha256(name.encode()).hexdigest()}
    path.with_name(f"{path.name}.json").write_text(json.dumps(record))
    return path


def keep(database: Database, blobs: LocalStore, weights: Weights, folder: Path) -> None:
    """Stores a file that was made of weights before."""
    (folder / "made").write_bytes(content_of(HERE))
    put_blob(blobs, hashlib.sha256(content_of(HERE)).hexdigest(), folder / "made")
    made = converted_of(HERE, weights)
    assert made.reference is not None
    record_artifact(database, made, now_unix_ms=0)
    (folder / "reference").write_bytes(bytes(made.reference.size_bytes))
    put_blob(blobs, made.reference.sha256, folder / "reference")


@pytest.mark.parametrize("harm", ["altered", "gone"])
async def test_a_download_of_weights_that_were_recorded_holds_up_nothing_that_is_here(
    converter: Converter,
    database: Database,
    blobs: LocalStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    harm: str,
) -> None:
    told: list[tuple[str, ConversionResult]] = []
    is_told = threading.Event()

    async def on_outcome(variant: Variant, outcome: ConversionOutcome, _key: str) -> None:
        told.append((variant.backbone, outcome.result))
        is_told.set()

    def download_when_told(_address: str, _path: Path, _on_progress: Progress) -> None:
        assert is_told.wait(LONG_S), "what is here waits for the download"
        raise DownloadFailed("the network is down")

    def resolve(*asked: Any, **given: Any) -> Weights:
        return resolve_weights(*asked, **{"fetch": download_when_told, **given})

    folder = tmp_path / "weights"
    fetched_before(folder, HERE.backbone)
    kind = WeightsKind.PRETRAINED
    found = resolve_weights(CATALOG.get(HERE.backbone), kind, folder, lambda *_: None)
    keep(database, blobs, found, tmp_path)
    lost = fetched_before(folder, GONE.backbone)
    if harm == "altered":
        lost.write_bytes(b"other bytes")
    else:
        # Between the look at the records and the reading of the files.
        look = Fetching.at_hand

        def look_then_lose(self: Fetching, requests: Any) -> frozenset[str]:
            here = look(self, requests)
            lost.unlink()
            return here

        monkeypatch.setattr(Fetching, "at_hand", look_then_lose)
    monkeypatch.setattr("controller.conversions.fetching.resolve_weights", resolve)
    listener = Listener(on_outcome, lambda _activity: None)
    await converter.ensure((GONE, HERE), kind, listener)
    assert told == [
        (HERE.backbone, ConversionResult.CACHED),
        (GONE.backbone, ConversionResult.FAILED),
    ]
