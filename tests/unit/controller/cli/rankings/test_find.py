"""What `edgerank find` says to who stops it."""

from types import SimpleNamespace
from unittest.mock import MagicMock

import pytest
from click.testing import CliRunner
from rich.console import Console

from controller.cli.rankings import find as command


def test_who_stops_it_while_the_race_is_named_is_told_that_it_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: list[str] = []

    def stopped_at_first(_console: Console, words: str) -> None:
        said.append(words)
        if len(said) == 1:
            raise KeyboardInterrupt

    started = SimpleNamespace(sweep_id="3f2a9c01b7de", job_count=4, measured_before=0)
    monkeypatch.setattr(command, "QueryClient", MagicMock())
    monkeypatch.setattr(command, "candidates", lambda *_: ("PPLCNet_x1_0",))
    monkeypatch.setattr(command, "started_once", lambda *_: started)
    monkeypatch.setattr(command, "print_line", stopped_at_first)
    CliRunner().invoke(command.find, ["--device", "pc"])
    assert said[0] == "sweep 3f2a9c01b7de: 4 candidates race"
    assert "the race goes on: 'edgerank follow 3f2a9c01b7de' shows it" in said[1]
