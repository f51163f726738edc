"""Folders of a user that only these tests are."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this user's data and logins are; the data folder."""
    for variable in ("XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(variable, str(tmp_path / variable.lower()))
    monkeypatch.delenv("EDGERANK_CONTROLLER", raising=False)
    return tmp_path / "xdg_data_home" / "edgerank"
