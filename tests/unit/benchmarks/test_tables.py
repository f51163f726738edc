"""The table that a soak and a simulation end with."""

from enum import Enum

from tests.faults.judging.tables import table_of_faults


class Kind(Enum):
    CUT = "a connection is cut"
    KILL = "an agent is killed"
    FULL = "a disk is full"


def test_each_kind_is_told_with_how_often_it_came_and_was_planned() -> None:
    struck = [Kind.CUT] * 1_200 + [Kind.KILL]
    head, *lines = table_of_faults(Kind, struck, [*struck, Kind.KILL])
    assert head.split() == ["what", "came", "planned"]
    assert [line.rsplit(maxsplit=2) for line in lines] == [
        ["a connection is cut", "1,200", "1,200"],
        ["an agent is killed", "1", "2"],
        ["a disk is full", "0", "0"],
    ]
    assert len({len(line) for line in (head, *lines)}) == 1
