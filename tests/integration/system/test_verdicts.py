"""Rankings count what is ok, say what they left out, and how it would count."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.state.accuracy import store_catalog
from controller.state.database import open_database
from models.catalog.catalog import load_catalog
from tests.processes import edgerank, running_controller
from tests.recorded import record_sweep

BEST = ("best", "--device", "phone")


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a controller that has one figure, whose repetitions disagree."""
    state_dir = tmp_path_factory.mktemp("wide")
    database = open_database(f"sqlite:///{state_dir / 'controller.sqlite'}")
    store_catalog(database, load_catalog())
    record_sweep(database, 1.0, 1.5)
    database.close()
    with running_controller(state_dir) as (_controller, address):
        yield address


def test_with_nothing_ok_the_option_that_would_help_is_named(wide: str) -> None:
    done = edgerank(*BEST, address=wide)
    assert done.returncode == 3
    assert (
        "no measured candidate on 'phone' satisfies this with the verdict ok, but with wide "
        "one would: add --include wide, or measure again"
    ) in " ".join(done.stderr.split())
    assert "Left out: 1 wide; --include wide counts it" in done.stdout
    assert "edgerank sweep --models MobileNetV1 --devices phone" in done.stdout


def test_included_it_is_ranked_and_marked(wide: str) -> None:
    done = edgerank(*BEST, "--include", "wide,disturbed", address=wide)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Best on phone (including wide and disturbed): MobileNetV1")
    document = edgerank(*BEST, "--include", "wide", "--json", address=wide).stdout
    assert json.loads(document)["winner"]["measurement"]["verdict"] == "wide"


def test_the_report_shows_it_and_ranks_it_where_it_is_included(wide: str, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    report = ("report", "--device", "phone", "-o", str(page))
    assert edgerank(*report, address=wide).returncode == 0
    assert "Not ranked for their verdict: 1 wide; --include wide counts it." in (page.read_text())
    assert edgerank(*report, "--include", "wide", address=wide).returncode == 0
    assert "Best on phone (including wide):" in page.read_text()


def test_an_export_holds_it_and_says_so(wide: str, tmp_path: Path) -> None:
    done = edgerank("export", str(tmp_path / "all.csv"), address=wide)
    assert done.stdout.endswith("all.csv: 1 wide\n")
