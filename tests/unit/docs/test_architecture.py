"""The page of the house has the rooms that the contracts hold."""

import re

import pytest
from importlinter import api

from tests.pages import ROOT

_LAYERS = {
    contract["containers"][0]: [re.findall(r"\w+", layer) for layer in contract["layers"]]
    for contract in api.read_configuration(str(ROOT / "pyproject.toml"))["contracts_options"]
    if contract["type"] == "layers"
}


@pytest.mark.parametrize("package", _LAYERS)
def test_the_page_has_each_room_at_its_height(package: str) -> None:
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    [table] = re.findall(rf"^### `{package}/`\n(.*?)(?=^#)", page, re.DOTALL | re.MULTILINE)
    first_cells = re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
    assert [sorted(re.findall(r"`(\w+)`", cell)) for cell in first_cells] == [
        sorted(rooms) for rooms in _LAYERS[package]
    ]
