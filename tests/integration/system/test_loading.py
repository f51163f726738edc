"""A command that only asks a running controller loads what that takes, and no more."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.integration.system.conftest import System
from tests.loading import Loaded, loaded_by

# What computes, stores, converts or draws: asking needs none of it, and each takes long to load.
HEAVY = {
    *("alembic", "cloup", "httpx", "jinja2", "numpy", "obstore", "onnx", "onnxruntime", "paddle"),
    *("paddleclas", "paddlelite", "prometheus_client", "psutil", "pyarrow", "pydantic", "ruamel"),
    *("scipy", "sqlalchemy", "structlog", "vl_convert"),
}


@pytest.fixture
def loaded(system: System, swept: dict[str, Any], tmp_path: Path) -> Callable[[str], Loaded]:
    """Runs a command against the fleet; `{sweep}` and `{folder}` in its arguments are filled in."""

    def run(arguments: str) -> Loaded:
        filled = arguments.format(sweep=swept["sweep_id"], folder=tmp_path)
        asked = {"EDGERANK_CONTROLLER": system.address}
        return loaded_by(*filled.split(), environment=asked)

    return run


@pytest.mark.parametrize(
    "arguments",
    [
        "devices",
        "devices --json",
        "devices show pc",
        "best --device pc",
        "best --device pc --json",
        "follow {sweep}",
        "sweeps",
        "plan --models PPLCNet_x0_25 --devices pc --weights synthetic",
        "results",
        "results --json",
        "export {folder}/all.json",
    ],
)
def test_asking_loads_nothing_heavy(loaded: Callable[[str], Loaded], arguments: str) -> None:
    done = loaded(arguments)
    # 3: so short a sweep need not give a winner.
    assert done.exit_code in (0, 3)
    assert done.packages & HEAVY == set()


def test_only_a_file_takes_what_reads_it(loaded: Callable[[str], Loaded]) -> None:
    done = loaded("sweep --models PPLCNet_x0_25 --print-file")
    assert done.exit_code == 0
    assert {"ruamel"} == done.packages & {"pydantic", "ruamel"}


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_only_files_of_columns_take_pyarrow(loaded: Callable[[str], Loaded], kind: str) -> None:
    done = loaded(f"export {{folder}}/all.{kind}")
    assert done.exit_code == 0
    assert "pyarrow" in done.packages
