"""The wheel of this very installation, the same bytes each time."""

import base64
import hashlib
import zipfile
from collections.abc import Iterator
from importlib import metadata, util
from pathlib import Path
from typing import Final

from controller.domain.errors import EdgerankError, ErrorCode

NAME: Final = "edgerank"
PACKAGES: Final = ("agent", "controller", "models", "protos", "sandbox")
_WHEEL: Final = (
    "Wheel-Version: 1.0\nGenerator: edgerank\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
)
# The first moment that a zip file can tell.
_LONG_AGO: Final = (1980, 1, 1, 0, 0, 0)


def pack_wheel(folder: Path) -> Path:
    """Writes the wheel into a folder.

    Raises:
        EdgerankError: PRECONDITION where the installation is not whole.
    """
    distribution = _installed()
    called = f"{NAME}-{distribution.version.replace('-', '_')}"
    entries = dict(_sources())
    for name in ("METADATA", "entry_points.txt", "top_level.txt"):
        text = distribution.read_text(name)
        if text is None:
            raise _not_whole(name)
        entries[f"{called}.dist-info/{name}"] = text.encode()
    entries.update(_licenses(distribution, called))
    entries[f"{called}.dist-info/WHEEL"] = _WHEEL.encode()
    entries[f"{called}.dist-info/RECORD"] = _record(entries, f"{called}.dist-info/RECORD")
    path = folder / f"{called}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            entry = zipfile.ZipInfo(name, _LONG_AGO)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return path


def _installed() -> metadata.Distribution:
    # A checkout has what a build left beside it, too, which is no installation.
    found = metadata.distributions(name=NAME)
    installed = next((each for each in found if each.read_text("METADATA")), None)
    if installed is None:
        raise _not_whole("METADATA")
    return installed


def _sources() -> Iterator[tuple[str, bytes]]:
    for package in PACKAGES:
        found = util.find_spec(package)
        if found is None or not found.submodule_search_locations:
            raise _not_whole(package)
        root = Path(found.submodule_search_locations[0])
        for path in sorted(root.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield f"{package}/{path.relative_to(root).as_posix()}", path.read_bytes()


def _licenses(distribution: metadata.Distribution, called: str) -> Iterator[tuple[str, bytes]]:
    for file in distribution.files or ():
        if file.parent.name == "licenses":
            yield f"{called}.dist-info/licenses/{file.name}", file.read_binary()


def _record(entries: dict[str, bytes], itself: str) -> bytes:
    lines = [
        f"{name},sha256={_digest(content)},{len(content)}" for name, content in entries.items()
    ]
    return "\n".join((*lines, f"{itself},,", "")).encode()


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode("ascii")


def _not_whole(missing: str) -> EdgerankError:
    return EdgerankError(
        ErrorCode.PRECONDITION,
        f"this installation of edgerank lacks {missing}, so that no wheel can be made of it; "
        "install edgerank anew with pip, and run the same command again",
    )
