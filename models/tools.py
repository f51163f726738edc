"""Versions of the conversion tools, read from their metadata without importing them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from importlib import metadata


class ToolMissing(Exception):
    """A conversion tool is not installed."""


def tool_versions(packages: Iterable[str]) -> dict[str, str]:
    """Return the installed version of each package.

    Raises:
        ToolMissing: one is not installed.
    """
    return {package: _version(package) for package in packages}


def versions_read_once() -> Callable[[Iterable[str]], dict[str, str]]:
    """Return a `tool_versions` that reads each package's version once, for many variants at once.

    Reading takes a millisecond, and a controller outlives an update of its tools.
    """
    version = functools.cache(_version)

    def versions(packages: Iterable[str]) -> dict[str, str]:
        return {package: version(package) for package in packages}

    return versions


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError as error:
        raise ToolMissing(
            f"{package}, which conversion needs, is not installed: "
            "pip install '.[convert]' in edgerank's folder, with Python 3.10 on x86-64"
        ) from error
