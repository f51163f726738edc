"""What the page of the query API shows is what is answered, and its notebook runs."""

import json
import re
from typing import Any

import httpx
import nbformat
import pytest
from nbclient import NotebookClient

from tests.integration.web.conftest import Lab
from tests.pages import ROOT

_FOLDER = ROOT / "docs" / "asking"
_SHOWN = re.findall(
    r"```http\nGET (\S+)\n```\n```json\n(.*?)```",
    (_FOLDER / "query-api.md").read_text(encoding="utf-8"),
    re.DOTALL,
)


def _shown_of(answered: Any, shown: Any) -> Any:
    """What is shown of an answer."""
    if isinstance(shown, dict):
        return {key: _shown_of(answered[key], each) for key, each in shown.items()}
    if isinstance(shown, list):
        return [_shown_of(a, b) for a, b in zip(answered, shown, strict=True)]
    return answered


@pytest.mark.parametrize(("path", "shown"), _SHOWN)
def test_a_shown_answer_is_answered(asking: httpx.Client, path: str, shown: str) -> None:
    document = json.loads(shown)
    assert _shown_of(asking.get(path).json(), document) == document


def test_every_path_that_is_described_is_on_the_page() -> None:
    described = json.loads((_FOLDER / "openapi.json").read_text(encoding="utf-8"))["paths"]
    page = (_FOLDER / "query-api.md").read_text(encoding="utf-8")
    told = re.sub(r"(sweeps|measurements)/ID", r"\1/{}", page).replace("devices/NAME", "devices/{}")
    missing = [each for each in described if f"`{re.sub(r'{[^}]*}', '{}', each)}`" not in told]
    assert not missing


def test_the_notebook_runs(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGERANK_CONTROLLER", lab.address)
    notebook = nbformat.read(_FOLDER / "example.ipynb", as_version=4)
    client = NotebookClient(notebook, timeout=120, resources={"metadata": {"path": ROOT}})
    client.execute()
    printed = [
        output["text"]
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if output["output_type"] == "stream"
    ]
    assert printed == ["MobileNetV2: 5.05 ms, top-1 72.15 %\n"]
