"""Weights of a backbone: published ones from a cache, or the recipe of synthetic ones."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from filelock import FileLock

from models.catalog.catalog import Backbone
from models.catalog.own import (
    OwnFormat,
    is_own,
    own_digest,
    own_folder,
    own_format_of,
    read_trained,
)
from models.catalog.variants import WeightsKind
from models.digest import canonical_sha256, file_sha256
from models.files import put_in_place
from models.recipes import synthetic as recipe
from models.tools import tool_versions
from models.weights.addresses import NoPublishedWeights, published_address
from models.weights.download import DownloadFailed, Fetch, Progress, download

log = logging.getLogger(__name__)


class WeightsUnavailable(Exception):
    """Weights cannot be had; the message says what to do."""


class WeightsUnreachable(WeightsUnavailable):
    """Weights are published, and cannot be had here and now: no network, no room."""


def _without(backbone: str, reason: str) -> str:
    return f"the published weights of {backbone} are not available: {reason}"


@dataclass(frozen=True, slots=True)
class Weights:
    """Weights of one architecture, identified by a digest.

    Attributes:
        kind: pretrained, synthetic or own.
        architecture: the network that they belong to.
        digest: SHA-256 of the file, of the recipe, or over the own model's files.
        source: the file's address, the recipe in words, or what the own model was added as.
        path: the file, or the folder of the own model's files; None for synthetic weights.
        size_bytes: size of what is there; None for synthetic weights.
    """

    kind: WeightsKind
    architecture: str
    digest: str
    source: str
    path: Path | None
    size_bytes: int | None


def resolve_weights(
    backbone: Backbone,
    kind: WeightsKind,
    cache_dir: Path,
    on_progress: Progress,
    address_of: Callable[[Backbone], str] = published_address,
    *,
    fetch: Fetch = download,
) -> Weights:
    """Return a backbone's weights of one kind; another kind never takes their place.

    An own model has its own weights and no others, so for it the kind says nothing.

    Args:
        backbone: whose weights.
        kind: pretrained ones are fetched into the cache unless they are there.
        cache_dir: folder of fetched files; made if it is not there.
        on_progress: told of bytes fetched.
        address_of: where published weights are.
        fetch: brings them here.

    Raises:
        WeightsUnreachable: no network, no such file, or no room.
        WeightsUnavailable: nothing published, or an own model's files are gone or altered.
    """
    if is_own(backbone):
        return _own(backbone, own_folder(cache_dir, backbone.architecture))
    if kind is WeightsKind.OWN:
        raise WeightsUnavailable(
            f"{backbone.name} is of the catalog: its weights are pretrained or synthetic, not own"
        )
    if kind is WeightsKind.SYNTHETIC:
        return _synthetic(backbone)
    try:
        address = address_of(backbone)
        cache_dir.mkdir(parents=True, exist_ok=True)
        path = cache_dir / Path(urlsplit(address).path).name
        # Threads and processes that want the same file wait for one another.
        with FileLock(path.with_name(f"{path.name}.lock"), fallback_to_soft=False):
            return _cached(backbone, address, path, partial(fetch, address, path, on_progress))
    except NoPublishedWeights as error:
        raise WeightsUnavailable(_without(backbone.name, str(error))) from error
    except DownloadFailed as error:
        raise WeightsUnreachable(_without(backbone.name, str(error))) from error
    except OSError as error:
        reason = f"the cache {cache_dir} cannot be used ({error.strerror})"
        raise WeightsUnreachable(_without(backbone.name, reason)) from error


def weights_at_hand(
    backbone: Backbone,
    kind: WeightsKind,
    cache_dir: Path,
    versions: Callable[[Iterable[str]], dict[str, str]] = tool_versions,
) -> Weights | None:
    """Return a backbone's weights by what is recorded of them; None where they are to be fetched.

    Nothing is fetched, and no file is read through, as `resolve_weights` does.

    Args:
        backbone: whose weights.
        kind: as of `resolve_weights`.
        cache_dir: folder of fetched files.
        versions: tells those of the tools that make synthetic ones.

    Raises:
        ToolMissing: a tool that synthetic ones are of is not installed.
    """
    if is_own(backbone):
        folder = own_folder(cache_dir, backbone.architecture)
        return _recorded(backbone, WeightsKind.OWN, backbone.architecture, folder)
    if kind is WeightsKind.SYNTHETIC:
        return _synthetic(backbone, versions)
    try:
        path = cache_dir / Path(urlsplit(published_address(backbone)).path).name
    except NoPublishedWeights:
        return None
    known = _read_record(path.with_name(f"{path.name}.json")) or {}
    digest = known.get("sha256")
    return _recorded(backbone, kind, digest, path) if isinstance(digest, str) else None


def _recorded(backbone: Backbone, kind: WeightsKind, digest: str, path: Path) -> Weights | None:
    if not path.exists():
        return None
    return Weights(kind, backbone.architecture, digest, "as recorded", path.absolute(), None)


def _synthetic(
    backbone: Backbone, versions: Callable[[Iterable[str]], dict[str, str]] = tool_versions
) -> Weights:
    digest = canonical_sha256(
        {
            "architecture": backbone.architecture,
            "seed": recipe.SEED,
            "calibration_images": recipe.CALIBRATION_IMAGES,
            "calibration_seed": recipe.CALIBRATION_SEED,
            "output_scale_bounds": recipe.OUTPUT_SCALE_BOUNDS,
            "calibration_size": backbone.input_size.height,
            "weight_bounds": recipe.WEIGHT_BOUNDS,
            "bias_scale": recipe.BIAS_SCALE,
            **recipe.peculiarities(backbone.architecture),
            "versions": versions(("paddleclas", "paddlepaddle", "numpy")),
        }
    )
    return Weights(
        WeightsKind.SYNTHETIC, backbone.architecture, digest, recipe.DESCRIPTION, None, None
    )


def _own(backbone: Backbone, folder: Path) -> Weights:
    again = f"add the same files as {backbone.name} once more, or bring them back from a backup"
    try:
        digest = own_digest(folder)
        size_bytes = sum(file.stat().st_size for file in folder.iterdir())
    except OSError as error:
        raise WeightsUnavailable(
            f"the files of {backbone.name} in {folder} cannot be read ({error.strerror}); {again}"
        ) from error
    if digest != backbone.architecture:
        raise WeightsUnavailable(
            f"the files of {backbone.name} in {folder} were altered since it was added; {again}"
        )
    own_format = own_format_of(folder)
    source = f"added as {own_format.value}"
    if own_format is OwnFormat.WEIGHTS:
        source += f" of {read_trained(folder).architecture}"
    return Weights(
        WeightsKind.OWN, backbone.architecture, digest, source, folder.absolute(), size_bytes
    )


def _cached(backbone: Backbone, address: str, path: Path, bring: Callable[[], None]) -> Weights:
    record = path.with_name(f"{path.name}.json")
    known = _read_record(record)
    is_here = known is not None and known.get("source") == address
    if known is None or not is_here or not _holds(path, known):
        # Left by another address, or altered since it was fetched.
        if is_here and path.exists():
            log.warning("%s was altered since it was fetched; it is fetched again", path)
        path.unlink(missing_ok=True)
        bring()
        known = {
            "source": address,
            "sha256": file_sha256(path),
            "size_bytes": path.stat().st_size,
        }
        _write_record(record, known)
    return Weights(
        WeightsKind.PRETRAINED,
        backbone.architecture,
        str(known["sha256"]),
        address,
        path,
        path.stat().st_size,
    )


def _holds(path: Path, known: dict[str, object]) -> bool:
    return path.is_file() and file_sha256(path) == known.get("sha256")


def _read_record(path: Path) -> dict[str, object] | None:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return record if isinstance(record, dict) else None


def _write_record(path: Path, record: dict[str, object]) -> None:
    beside = path.with_name(f"{path.name}.part")
    beside.write_text(json.dumps(record, indent=2), encoding="utf-8")
    put_in_place(beside, path)
