"""Folders of a user that only these tests are, and a controller's state."""

from pathlib import Path

import pytest

from controller.access.authorities import Authorities
from controller.server.backup import DATABASE
from controller.state.blobs import open_blobs, put_blob
from controller.state.database import Database, claim_state, open_database
from controller.state.devices import enrol
from models.digest import file_sha256
from tests.integration.controller.domain_samples import hello


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this user's data and logins are; the data folder."""
    for variable in ("XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(variable, str(tmp_path / variable.lower()))
    monkeypatch.delenv("EDGERANK_CONTROLLER", raising=False)
    return tmp_path / "xdg_data_home" / "edgerank"


def opened(state: Path) -> Database:
    return open_database(f"sqlite:///{state / DATABASE}")


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state folder with one device, one artifact, one own model, one key, and a download."""
    folder = tmp_path / "state"
    with claim_state(folder):
        database = opened(folder)
        enrol(database, hello("phone"), now_unix_ms=0)
        with database.transaction() as transaction:
            transaction.exec_driver_sql(
                "INSERT INTO own_models (name, format, digest, size_bytes, takes, params_m, "
                "output_shapes, added_at_unix_ms, assumed, precision) "
                "VALUES ('mine', 'onnx', 'abc123', 1, '{}', 1, '[]', 0, '[]', 'fp32')"
            )
        database.close()
        Authorities(folder / "access")
        source = folder / "source"
        source.write_bytes(bytes(range(256)) * 5_000)
        put_blob(open_blobs(folder), file_sha256(source), source)
        source.unlink()
        for place in ("weights/own/abc123", "weights/MobileNetV1"):
            (folder / place).mkdir(parents=True)
            (folder / place / "model.onnx").write_text(place)
    return folder
