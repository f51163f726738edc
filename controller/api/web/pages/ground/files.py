"""The files that pages are made of: read once, compressed, and named by what is in them."""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata, resources
from types import MappingProxyType
from typing import Final

CHART_CODE: Final = "vega.js"
"""Bundled when it is first asked for, see `ChartCode`; the others are packaged."""
TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "htmx.min.js": "text/javascript; charset=utf-8",
        "icon.svg": "image/svg+xml",
        "site.css": "text/css; charset=utf-8",
        "site.js": "text/javascript; charset=utf-8",
        CHART_CODE: "text/javascript; charset=utf-8",
    }
)
"""Every file by its name, with its kind."""
_VERSION_LETTERS: Final = 16


@dataclass(frozen=True, kw_only=True)
class StaticFile:
    """A file as it is sent.

    Attributes:
        content: its bytes.
        compressed: the same by gzip.
        tag: of its content, in quotes.
    """

    content: bytes
    compressed: bytes
    tag: str


def packed(content: bytes) -> StaticFile:
    """A file of this content, ready to be sent."""
    # Without a moment in it: the same content is the same file.
    compressed = gzip.compress(content, mtime=0)
    return StaticFile(content=content, compressed=compressed, tag=f'"{_digest(content)}"')


@lru_cache(maxsize=len(TYPES))
def packaged(name: str) -> StaticFile:
    """One of the packaged files."""
    folder = resources.files("controller.api.web.pages").joinpath("static")
    return packed(folder.joinpath(name).read_bytes())


def version_of(name: str) -> str:
    """What of a file's address changes with it, so that browsers may keep it for ever."""
    if name == CHART_CODE:
        return metadata.version("vl-convert-python")
    return packaged(name).tag.strip('"')


def static_link(name: str) -> str:
    """Where a file is, as it is now."""
    return f"/static/{name}?v={version_of(name)}"


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:_VERSION_LETTERS]
