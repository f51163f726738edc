"""The table that a soak and a simulation end with."""

from dataclasses import dataclass
from enum import Enum

from tests.faults.judging.tables import table_of_runs


class Kind(Enum):
    CUT = "a connection is cut"
    KILL = "an agent is killed"
    FULL = "a disk is full"


@dataclass
class Fault:
    kind: Kind


@dataclass
class Schedule:
    seed: int
    faults: list[Fault]


@dataclass
class Run:
    schedule: Schedule
    struck: list[Fault]
    violations: list[str]


def test_each_kind_is_told_with_how_often_it_came_and_was_planned() -> None:
    cut, kill = Fault(Kind.CUT), Fault(Kind.KILL)
    runs = [
        Run(Schedule(7, [cut] * 1_200), [cut] * 1_200, []),
        Run(Schedule(8, [kill, kill]), [kill], ["a report is lost"]),
    ]
    head, *lines, last = table_of_runs(Kind, runs, "schedules")
    assert head.split() == ["what", "came", "planned"]
    assert [line.rsplit(maxsplit=2) for line in lines] == [
        ["a connection is cut", "1,200", "1,200"],
        ["an agent is killed", "1", "2"],
        ["a disk is full", "0", "0"],
    ]
    assert last == "2 schedules, 1,201 faults; wrong: [8]"
    assert len({len(line) for line in (head, *lines)}) == 1
