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
def unstable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a controller that has one figure, whose repetitions disagree."""
    state_dir = tmp_path_factory.mktemp("unstable")
    database = open_database(f"sqlite:///{state_dir / 'controller.sqlite'}")
    store_catalog(database, load_catalog())
    record_sweep(database, 1.0, 1.5)
    database.close()
    with running_controller(state_dir) as (_controller, address):
        yield address


def test_with_nothing_ok_the_option_that_would_help_is_named(unstable: str) -> None:
    done = edgerank(*BEST, address=unstable)
    assert done.returncode == 3
    assert (
        "no measured candidate on 'phone' satisfies this with the verdict ok, but with unstable "
        "one would: add --include unstable, or measure again"
    ) in " ".join(done.stderr.split())
    assert "Left out: 1 unstable; --include unstable counts it" in done.stdout
    assert "edgerank sweep --models MobileNetV1 --devices phone" in done.stdout


def test_included_it_is_ranked_and_marked(unstable: str) -> None:
    done = edgerank(*BEST, "--include", "noisy,unstable", address=unstable)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Best on phone (including noisy and unstable): MobileNetV1")
    document = edgerank(*BEST, "--include", "unstable", "--json", address=unstable).stdout
    assert json.loads(document)["winner"]["measurement"]["verdict"] == "unstable"


def test_the_report_shows_it_and_ranks_it_where_it_is_included(
    unstable: str, tmp_path: Path
) -> None:
    page = tmp_path / "report.html"
    report = ("report", "--device", "phone", "-o", str(page))
    assert edgerank(*report, address=unstable).returncode == 0
    assert "Not ranked for their verdict: 1 unstable; --include unstable counts it." in (
        page.read_text()
    )
    assert edgerank(*report, "--include", "unstable", address=unstable).returncode == 0
    assert "Best on phone (including unstable):" in page.read_text()


def test_an_export_holds_it_and_says_so(unstable: str, tmp_path: Path) -> None:
    done = edgerank("export", str(tmp_path / "all.csv"), address=unstable)
    assert done.stdout.endswith("all.csv: 1 unstable\n")
