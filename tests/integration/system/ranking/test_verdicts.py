"""Rankings count what is wide or, for want of better, disturbed, say so, and can be strict."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes import edgerank, running_controller
from tests.processes.states import begun_database
from tests.recorded import record_sweep

BEST = ("best", "--device", "phone")
STRICT = ("--only", "ok")


@pytest.fixture(scope="module")
def doubtful(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a controller with a figure whose repetitions disagree, and a disturbed one."""
    state_dir = tmp_path_factory.mktemp("doubtful")
    database = begun_database(state_dir)
    record_sweep(database, 1.0, 1.5)
    record_sweep(database, 1.0, 1.0, backbones=("PPLCNet_x0_25",), waiting_share=0.3)
    database.close()
    with running_controller(state_dir) as (_controller, address):
        yield address


def test_what_is_wide_or_disturbed_is_ranked_and_marked(doubtful: str) -> None:
    done = edgerank(*BEST, address=doubtful)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Best value on phone (1 of 2 figures disturbed): ")
    ranking = json.loads(edgerank(*BEST, "--json", address=doubtful).stdout)
    shown = [ranking["winner"], *ranking["pareto_front"], *ranking["others"]]
    assert {each["measurement"]["verdict"] for each in shown} == {"wide", "disturbed"}


def test_with_nothing_ok_the_strict_reading_names_the_option_that_would_help(
    doubtful: str,
) -> None:
    done = edgerank(*BEST, *STRICT, address=doubtful)
    assert done.returncode == 3
    assert "write --only ok,wide,disturbed" in " ".join(done.stderr.split())
    assert "Left out: 1 wide, 1 disturbed" in done.stdout
    assert "edgerank sweep --models " in done.stdout
    assert edgerank(*BEST, "--only", "ok,wide", address=doubtful).returncode == 0


def test_the_report_ranks_them_unless_it_is_strict(doubtful: str, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    report = ("report", "--device", "phone", "-o", str(page))
    assert edgerank(*report, address=doubtful).returncode == 0
    assert "(1 of 2 figures disturbed)" in page.read_text()
    assert edgerank(*report, *STRICT, address=doubtful).returncode == 0
    assert "Not ranked for their verdict: 1 wide, 1 disturbed" in page.read_text()


def test_an_export_holds_them_and_says_so(doubtful: str, tmp_path: Path) -> None:
    done = edgerank("export", str(tmp_path / "all.csv"), address=doubtful)
    assert done.stdout.endswith("all.csv: 1 wide, 1 disturbed\n")
