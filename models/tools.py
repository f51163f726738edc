"""Versions of the conversion tools, read from their metadata without importing them."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import metadata


class ToolMissing(Exception):
    """A conversion tool is not installed."""


def tool_versions(packages: Iterable[str]) -> dict[str, str]:
    """Return the installed version of each package.

    Raises:
        ToolMissing: one is not installed.
    """
    return {package: _version(package) for package in packages}


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError as error:
        raise ToolMissing(
            f"{package}, which conversion needs, is not installed: "
            "pip install '.[convert]' in edgerank's folder, with Python 3.10 on x86-64"
        ) from error
