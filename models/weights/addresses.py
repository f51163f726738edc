"""Addresses of published weights, read from PaddleClas' sources without importing them."""

from __future__ import annotations

import ast
import functools
import importlib.util
from collections.abc import Mapping
from pathlib import Path

from models.catalog.catalog import Backbone

_BACKBONES = Path("ppcls", "arch", "backbone")
_TABLE = "MODEL_URLS"
# Other weights of an architecture have its own address with this put before `_pretrained`.
_WEIGHTS_SUFFIXES = ("_ssld", "_22kto1k")


class NoPublishedWeights(ValueError):
    """PaddleClas publishes no weights under a backbone's name."""


def published_address(backbone: Backbone) -> str:
    """Return the address of a backbone's weights.

    Raises:
        NoPublishedWeights: PaddleClas has none for it, or is not installed.
    """
    addresses = _read_addresses()
    address = addresses.get(backbone.name, "")
    for suffix in _WEIGHTS_SUFFIXES:
        if not address and backbone.name == f"{backbone.architecture}{suffix}":
            plain = addresses.get(backbone.architecture, "")
            address = plain.replace("_pretrained", f"{suffix}_pretrained")
    if not address:
        raise NoPublishedWeights(f"PaddleClas publishes no weights for {backbone.name}")
    return address


@functools.cache
def _read_addresses() -> Mapping[str, str]:
    spec = importlib.util.find_spec("paddleclas")
    if spec is None or not spec.submodule_search_locations:
        raise NoPublishedWeights(
            "the addresses of weights come with the package paddleclas, which is not installed: "
            "pip install '.[convert]' in edgerank's folder"
        )
    folder = Path(next(iter(spec.submodule_search_locations))) / _BACKBONES
    addresses: dict[str, str] = {}
    for path in sorted(folder.rglob("*.py")):
        addresses.update(read_table(path.read_text(encoding="utf-8")))
    return addresses


def read_table(source: str) -> dict[str, str]:
    """Return the table of addresses of one module's source; empty if it has none."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == _TABLE for target in node.targets
        ):
            table = ast.literal_eval(node.value)
            return {str(name): str(address) for name, address in table.items()}
    return {}
