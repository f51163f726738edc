"""The state that each schedule's controller begins with: artifacts that were made, and tokens.

What is converted elsewhere is small random bytes here: their way is tried, not what they are.
"""

import hashlib
import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from controller.access.authorities import Authorities
from controller.domain.access import AccessSpec, Scope
from controller.state.access.members import NewJoinToken, add_join_token
from controller.state.access.tokens import add_access
from controller.state.artifacts import record_artifact
from controller.state.blobs import open_blobs, put_blob
from controller.state.catalog.accuracy import store_catalog
from controller.state.database import Database, open_database
from controller.state.devices import enrol
from controller.sweeps.planning import SENTINEL_BACKBONE
from models.catalog.catalog import load_catalog
from models.catalog.variants import CheckedThrough, Format, WeightsKind, variants_of
from models.conversion.parity import Parity
from models.conversion.pipeline import Converted, conversion_key
from models.weights.weights import resolve_weights
from protos.fleet import PROTOCOL, Hello
from protos.joining import JoinToken, secret_digest
from tests.faults.schedules import BACKBONES
from tests.faults.simulated_agent import PROFILE

DEVICES: Final = ("device-0", "device-1", "device-2")
# Each time that a device has to join anew it takes the next one.
_TOKENS_A_DEVICE: Final = 8
# 31 December 9999: some controllers believe that it is far later than it is.
_NEVER_MS: Final = 253_402_300_799_999
# Of one chunk, of some, and of many.
_SIZES_BYTES: Final = (20_000, 300_000, 700_000, 150_000)
ACCESS_SECRET: Final = hashlib.sha256(b"who drives schedules").digest()


@dataclass(frozen=True)
class Template:
    """A state folder to copy, and the digest of who signs in it."""

    folder: Path
    authority_sha256: bytes

    def copy_to(self, folder: Path) -> None:
        """Begin a controller's state with it."""
        shutil.copytree(self.folder, folder)

    def tokens(self, device: str, address: str) -> Iterator[JoinToken]:
        """Those by which a device joins, in turn."""
        for secret in map(_secret, _token_names(device)):
            yield JoinToken(
                secret=secret, authority_sha256=self.authority_sha256, addresses=(address,)
            )


def hello(device: str, **changes: object) -> Hello:
    """What the agent of a device says first."""
    said = {"device_id": device, "name": device, "labels": {}, "profile": PROFILE}
    return Hello(**{"protocol": PROTOCOL, **said, **changes})  # type: ignore[arg-type]


def make_template(folder: Path) -> Template:
    """Make it in an empty folder."""
    folder.mkdir(parents=True, exist_ok=True)
    database = open_database(f"sqlite:///{folder / 'controller.sqlite'}")
    try:
        store_catalog(database, load_catalog())
        _store_artifacts(database, folder)
        for device in DEVICES:
            enrol(database, hello(device), now_unix_ms=0)
            for name in _token_names(device):
                _add_token(database, device, name)
        access = AccessSpec(name="schedules", scopes=(Scope.ADMIN,))
        add_access(database, access, secret_digest(ACCESS_SECRET), now_unix_ms=0)
    finally:
        database.close()
    return Template(folder, Authorities(folder / "access").fingerprint())


def _store_artifacts(database: Database, folder: Path) -> None:
    catalog, blobs = load_catalog(), open_blobs(folder)
    source = folder / "source"
    for name, size_bytes in zip((*BACKBONES, SENTINEL_BACKBONE), _SIZES_BYTES, strict=True):
        backbone = catalog.get(name)
        weights = resolve_weights(
            backbone, WeightsKind.SYNTHETIC, folder / "weights", lambda _done, _total: None
        )
        (variant,) = (each for each in variants_of(backbone) if each.format is Format.ONNX)
        content = random.Random(name).randbytes(size_bytes)
        source.write_bytes(content)
        converted = Converted(
            variant=variant,
            conversion_key=conversion_key(variant, weights, backbone.input_kind),
            weights=weights,
            path=source,
            sha256=hashlib.sha256(content).hexdigest(),
            size_bytes=size_bytes,
            parity=Parity(
                max_relative_difference=1e-6,
                tolerance=1e-4,
                input_count=4,
                checked_through=CheckedThrough.OWN_FORMAT,
            ),
            tool_versions={},
            seconds=1.0,
        )
        put_blob(blobs, converted.sha256, source)
        record_artifact(database, converted, now_unix_ms=0)
    source.unlink()


def _add_token(database: Database, device: str, name: str) -> None:
    token = NewJoinToken(
        token_id=name,
        secret_sha256=secret_digest(_secret(name)),
        created_at_unix_ms=0,
        expires_at_unix_ms=_NEVER_MS,
        # A device whose answer was lost asks again.
        uses_left=100,
        labels={},
        device_id=device,
    )
    add_join_token(database, token)


def _token_names(device: str) -> Iterator[str]:
    return (f"{device}-{number}" for number in range(_TOKENS_A_DEVICE))


def _secret(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()
