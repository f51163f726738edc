"""The survey's table goes on where it was stopped, on the same machine only."""

from pathlib import Path

import pytest

from controller.domain.measurements import Verdict
from protos.runtimes import Runtime
from tests.benchmarks.predicting.survey.__main__ import networks
from tests.benchmarks.predicting.survey.table import THREADS, OtherMachine, Row, Table

MACHINE = {"cpu": "a processor", "runtimes": {"onnxruntime": "1.23.2"}}


def rows_of(backbone: str, verdict: Verdict, measured_at: str = "2026-11-27") -> list[Row]:
    return [
        Row(
            backbone=backbone,
            runtime=runtime,
            threads=threads,
            verdict=verdict,
            medians_ms=(1.5, 1.25, 1.75) if measured_at else (),
            peak_rss_bytes=31_000_000 if measured_at else None,
            measured_at=measured_at,
        )
        for runtime in Runtime
        for threads in THREADS
    ]


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    added = rows_of("A", Verdict.WIDE) + rows_of("B", Verdict.FAILED, "")
    Table(tmp_path).add(added, MACHINE)
    assert list(Table(tmp_path).rows) == added


def test_new_ones_come_before_disturbed_ones_and_steady_ones_not_again(tmp_path: Path) -> None:
    table = Table(tmp_path)
    table.add(rows_of("shaken", Verdict.DISTURBED), MACHINE)
    table.add(rows_of("steady", Verdict.OK), MACHINE)
    table.add(rows_of("refused", Verdict.FAILED, ""), MACHINE)
    table.add(rows_of("begun", Verdict.OK)[:1], MACHINE)
    wanted = ("shaken", "steady", "refused", "begun", "new")
    assert Table(tmp_path).missing(wanted) == ("begun", "new", "shaken")


def test_figures_of_another_machine_are_not_mixed_in(tmp_path: Path) -> None:
    table = Table(tmp_path)
    table.check({"cpu": "any, while there is nothing"})
    table.add(rows_of("A", Verdict.OK), MACHINE)
    table.check(MACHINE)
    with pytest.raises(OtherMachine):
        table.check({**MACHINE, "cpu": "another"})


def test_each_network_is_there_once() -> None:
    found = [(each.architecture, each.input_size) for each in networks()]
    assert len(found) == len(set(found)) >= 200
