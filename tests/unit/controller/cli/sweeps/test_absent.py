"""Who is waited for is named, with a terminal and without."""

from collections.abc import Iterator
from dataclasses import replace

from controller.cli.printing.follow import follow_sweep
from controller.cli.printing.telling import SILENT_S
from controller.domain.sweeps import SweepPhase, SweepSnapshot
from tests.unit.controller.cli.printing.test_follow import Terminal, snapshot


def test_who_is_waited_for_and_not_connected_is_named() -> None:
    terminal = Terminal(is_terminal=False)

    def minutes() -> Iterator[SweepSnapshot | None]:
        yield replace(snapshot(), absent=("board", "phone"))
        terminal.now_s += SILENT_S
        yield None
        yield replace(snapshot(), absent=("board",))
        terminal.now_s += SILENT_S
        yield None
        yield replace(snapshot(), phase=SweepPhase.ENDED)

    follow_sweep(minutes(), terminal.console)
    assert any("waiting for board, phone, which are not connected" in one for one in terminal.lines)
    assert any("waiting for board, which is not connected" in one for one in terminal.lines)
