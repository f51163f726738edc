"""A race goes on on another day by real processes, and measures nothing twice.

Who wins is not asked for, nor any verdict: other processes on this machine may disturb each figure,
which the same race would measure again. So verdicts are put in place before that one begins.
"""

import json
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from sqlalchemy import select, update

from controller.client import QueryClient
from controller.domain.measurements import Verdict
from controller.state.database import Database, open_database
from controller.state.schema import attempts, jobs, measurements, repetitions
from tests.integration.system.conftest import BACKBONES, UNGATED
from tests.processes import edgerank, running_agent, running_controller

RACE = (
    *("find", "--device", "pc", "--models", ",".join(BACKBONES), "--weights", "synthetic"),
    *UNGATED,
)
# Two backbones with two runtimes each.
CANDIDATES = 4
# Hardly more than a first round has to have: nothing follows on that, and somebody is undecided
# where nothing disturbs this machine.
SHORT = ("--time", "2s")
LONG = ("--time", "20s")


class Turn(NamedTuple):
    """A process of a candidate, measured or to be."""

    job_id: str
    ordinal: int


@dataclass(frozen=True)
class Kept:
    """What a controller keeps of candidates, the sentinel not counted.

    Attributes:
        processes: the samples of those that were measured, ns.
        attempts: at which turn each was, by its id, in their order.
    """

    processes: Mapping[Turn, tuple[int, ...]]
    attempts: Mapping[str, Turn]

    def attempted_since(self, before: "Kept") -> list[Turn]:
        """The turns of later attempts, in their order."""
        return [turn for each, turn in self.attempts.items() if each not in before.attempts]


@dataclass(frozen=True)
class Day:
    """A controller and an agent that run."""

    address: str

    def told(self, *command: str) -> str:
        """What a command prints that does what it is asked."""
        done = edgerank(*command, address=self.address)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def asked(self, *command: str) -> Any:
        """The document that a command answers with."""
        return json.loads(self.told(*command, "--json"))

    def figures(self, sweep_id: str) -> list[dict[str, Any]]:
        """What is known of the candidates of a race, those that go on as well."""
        found: list[dict[str, Any]] = self.asked("results", "--sweep", sweep_id)
        return found


@dataclass(frozen=True)
class Race:
    """A race that was stopped in the middle on one day, and ended on the next.

    Attributes:
        folder: of the states of both sides.
        sweep_id: its sweep.
        first: what was kept at the end of the first day.
        so_far: how many processes each job had when the next day began.
        second: what was kept at the end of that.
        figures: how its jobs ended.
        ranking: what `best` says of the device then.
    """

    folder: Path
    sweep_id: str
    first: Kept
    so_far: Mapping[str, int]
    second: Kept
    figures: Sequence[dict[str, Any]]
    ranking: dict[str, Any]


@contextmanager
def day(folder: Path) -> Iterator[Day]:
    """A day of both sides on the folders that they have; at its end they are told to end."""
    with (
        running_controller(folder / "controller") as (controller, address),
        running_agent(address, "pc", folder / "agent") as agent,
    ):
        yield Day(address)
        assert agent.stop() == 0
        assert controller.stop() == 0


@contextmanager
def stored(folder: Path) -> Iterator[Database]:
    """The database of a controller that has ended."""
    database = open_database(f"sqlite:///{folder / 'controller' / 'controller.sqlite'}")
    yield database
    database.close()


def judge(folder: Path, disturbed: str) -> None:
    """Lets each figure be as those of a machine at rest, but for that of one job."""
    with stored(folder) as database, database.transaction() as transaction:
        transaction.execute(update(measurements).values(verdict=Verdict.WIDE))
        is_one = measurements.c.job_id == disturbed
        transaction.execute(update(measurements).where(is_one).values(verdict=Verdict.DISTURBED))


def kept(folder: Path) -> Kept:
    """What a controller keeps that has ended."""
    is_candidate = jobs.c.is_sentinel.is_(False)
    with stored(folder) as database, database.transaction() as transaction:
        measured = transaction.execute(
            select(repetitions.c.job_id, repetitions.c.ordinal, repetitions.c.latency_ns)
            .join(jobs, jobs.c.job_id == repetitions.c.job_id)
            .where(is_candidate)
        ).all()
        attempted = transaction.execute(
            select(attempts.c.attempt_id, attempts.c.job_id, attempts.c.ordinal)
            .join(jobs, jobs.c.job_id == attempts.c.job_id)
            .where(is_candidate)
            .order_by(attempts.c.leased_at_unix_ms)
        ).all()
    return Kept(
        processes={Turn(row.job_id, row.ordinal): row.latency_ns for row in measured},
        attempts={row.attempt_id: Turn(row.job_id, row.ordinal) for row in attempted},
    )


@pytest.fixture(scope="module")
def race(converted: Path, tmp_path_factory: pytest.TempPathFactory) -> Race:
    folder: Path = tmp_path_factory.mktemp("race")
    shutil.copytree(converted, folder / "controller")
    with day(folder) as today:
        sweep_id: str = today.asked(*RACE, *SHORT, "--no-follow")["sweep_id"]
        with QueryClient(today.address) as client:
            # The sentinel was read, and a candidate was measured.
            next(each for each in client.watch_sweep(sweep_id) if each.repetitions_done >= 2)
            # A command would take as long as a candidate.
            client.pause_sweep(sweep_id)
    first = kept(folder)
    with day(folder) as today:
        begun = today.figures(sweep_id)
        today.told("resume", sweep_id)
        today.asked("follow", sweep_id)
        figures = today.figures(sweep_id)
        ranking = today.asked("best", "--device", "pc")
    return Race(
        folder=folder,
        sweep_id=sweep_id,
        first=first,
        so_far={each["job_id"]: each["latency"]["repetition_count"] for each in begun},
        second=kept(folder),
        figures=figures,
        ranking=ranking,
    )


def test_a_race_that_was_paused_goes_on_where_it_was_when_both_sides_have_started_again(
    race: Race,
) -> None:
    before, after = race.first.processes, race.second.processes
    racing = {each["job_id"] for each in race.figures}
    missing = racing - {turn.job_id for turn in before}
    assert len(racing) == CANDIDATES
    assert before
    assert missing
    assert race.so_far == Counter(turn.job_id for turn in before)
    # All of it is there in the end, too, and nothing of it is measured again.
    assert before.items() <= after.items()
    attempted = race.second.attempted_since(race.first)
    assert set(attempted) == after.keys() - before.keys()
    # Nobody has another process before everybody has one.
    assert set([*dict.fromkeys(turn.job_id for turn in attempted)][: len(missing)]) == missing


def test_the_answer_rests_on_what_both_days_measured(race: Race) -> None:
    ranking = race.ranking
    ranked = (ranking["winner"], *ranking["ties"], *ranking["pareto_front"], *ranking["others"])
    measured = {each["measurement"]["job_id"] for each in ranked}
    assert measured == {turn.job_id for turn in race.second.processes}
    assert measured > {turn.job_id for turn in race.first.processes}


def test_the_same_race_on_another_day_measures_what_is_not_decided_or_was_disturbed(
    race: Race,
) -> None:
    # One that was decided, if there is any: of the others all that are undecided go on.
    judge(race.folder, disturbed=min(race.figures, key=is_undecided)["job_id"])
    with day(race.folder) as today:
        figures = by_candidate(today.figures(race.sweep_id))
        found = today.asked(*RACE, *LONG)
        again = by_candidate(today.figures(found["sweep_id"]))
    assert found["ranking"]["winner"]
    third = kept(race.folder)
    before, after = race.second.processes, third.processes
    assert before.items() <= after.items()
    earlier = Counter(turn.job_id for turn in before)
    more = Counter(turn.job_id for turn in after.keys() - before.keys())
    assert again.keys() == figures.keys()
    for candidate, figure in figures.items():
        now = again[candidate]
        own = more.pop(now["job_id"], 0)
        count, count_now = (each["latency"]["repetition_count"] for each in (figure, now))
        if figure["verdict"] == "disturbed":
            assert (now["job_id"] != figure["job_id"], own > 0) == (True, True), candidate
        elif is_undecided(figure):
            assert now["job_id"] != figure["job_id"], candidate
            # What a process does not count for is told of each day's own.
            assert count <= count_now <= earlier[figure["job_id"]] + own, candidate
        else:
            assert (now["measurement_id"], own) == (figure["measurement_id"], 0), candidate
    assert not more


def is_undecided(figure: dict[str, Any]) -> bool:
    """Whether its race ended before more of it could be measured."""
    return "race_undecided" in {each["code"] for each in figure["reasons"]}


def by_candidate(figures: Sequence[dict[str, Any]]) -> dict[tuple[str, str, int], dict[str, Any]]:
    """Figures by what they are of."""
    return {(each["backbone"], each["runtime"], each["threads"]): each for each in figures}
