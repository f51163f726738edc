"""However a fleet is treated, each job ends once, nothing is lost and nothing counts twice."""

from pathlib import Path

import pytest

from tests.faults.__main__ import failed_lines
from tests.faults.running import run_all
from tests.faults.schedules import Kind, draw
from tests.faults.template import Template, make_template

SCHEDULES = 200
TOGETHER = 50
# They wait more than they compute.
AT_ONCE = 8


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return make_template(tmp_path_factory.mktemp("template"))


@pytest.mark.parametrize("first", range(0, SCHEDULES, TOGETHER))
async def test_nothing_is_lost_or_doubled_whatever_befalls_a_fleet(
    first: int, template: Template, tmp_path: Path
) -> None:
    # The longest first, so that none is waited for alone at the end.
    seeds = sorted(range(first, first + TOGETHER), key=_lasts_ms, reverse=True)
    wrong = [
        "\n".join(failed_lines(run))
        async for run in run_all(seeds, template, tmp_path, AT_ONCE)
        if run.violations
    ]
    assert not wrong, "\n".join(wrong)


def _lasts_ms(seed: int) -> int:
    return sum(fault.lasts_ms for fault in draw(seed).faults)


def test_a_seed_stands_for_the_same_faults_each_time() -> None:
    assert [draw(seed) for seed in range(SCHEDULES)] == [draw(seed) for seed in range(SCHEDULES)]


def test_every_kind_of_fault_befalls_some_fleet_of_the_suite() -> None:
    drawn = {fault.kind for seed in range(SCHEDULES) for fault in draw(seed).faults}
    assert drawn == set(Kind)
