"""Which files there are already: found by their keys, without making or reading any."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from obstore.store import LocalStore

from controller.state.artifacts import Artifact, find_artifacts
from controller.state.blobs import has_blob, put_blob
from controller.state.database import Database
from models.catalog.catalog import Catalog
from models.catalog.variants import Variant, WeightsKind
from models.conversion.pipeline import Converted, ToolMissing, conversion_key
from models.tools import versions_read_once
from models.weights.weights import Weights, weights_at_hand


def is_kept(blobs: LocalStore, artifact: Artifact) -> bool:
    """Whether its bytes are stored in full length, and those that devices compare with."""
    return has_blob(blobs, artifact.sha256, artifact.size_bytes) and (
        artifact.reference_sha256 is None or _has_reference(blobs, artifact)
    )


def keep(blobs: LocalStore, made: Converted, known: Artifact | None) -> Converted:
    """Stores the bytes of an artifact, and those that devices compare its outputs with.

    Args:
        blobs: where.
        made: what was made.
        known: what was made of the same before; None is nothing.

    Returns:
        What is stored of it now: without what to compare with where that of before is still there,
        which attempts that are out were told of.

    Raises:
        EdgerankError: STORAGE when the store cannot take them.
    """
    put_blob(blobs, made.sha256, made.path)
    if made.reference is None or (known is not None and _has_reference(blobs, known)):
        return replace(made, reference=None)
    put_blob(blobs, made.reference.sha256, made.reference.path)
    return made


def _has_reference(blobs: LocalStore, artifact: Artifact) -> bool:
    sha256, size_bytes = artifact.reference_sha256, artifact.reference_size_bytes
    return sha256 is not None and has_blob(blobs, sha256, size_bytes or 0)


@dataclass(frozen=True)
class MadeFile:
    """A file that was made of a variant; whether it is still stored."""

    sha256: str
    is_stored: bool


@dataclass(frozen=True)
class Shelf:
    """Where the files of conversions are, and the weights that go into them."""

    database: Database
    blobs: LocalStore
    weights_dir: Path

    def made_files(
        self, variants: Iterable[Variant], kind: WeightsKind, catalog: Catalog
    ) -> Mapping[Variant, MadeFile]:
        """The files that were made of variants from the weights that are here now.

        Without the tools, nobody can tell of which versions a file would be: there are none then.
        """
        try:
            keys = self._keys(variants, kind, catalog)
        except ToolMissing:
            return {}
        artifacts = find_artifacts(self.database, keys.values())
        return {
            variant: MadeFile(made.sha256, is_kept(self.blobs, made))
            for variant, key in keys.items()
            if (made := artifacts.get(key)) is not None
        }

    def _keys(
        self, variants: Iterable[Variant], kind: WeightsKind, catalog: Catalog
    ) -> dict[Variant, str]:
        versions = versions_read_once()
        weights: dict[str, Weights | None] = {}
        keys: dict[Variant, str] = {}
        for variant in variants:
            backbone = catalog.get(variant.backbone)
            if backbone.name not in weights:
                weights[backbone.name] = weights_at_hand(backbone, kind, self.weights_dir, versions)
            found = weights[backbone.name]
            if found is not None:
                keys[variant] = conversion_key(variant, found, backbone.input_kind, versions)
        return keys
