"""A device takes the most urgent sweep first, and people take turns on it; nobody waits forever."""

import pytest

from controller.state import attempts
from controller.state.attempts.stored import find_attempts
from controller.state.database import Database
from controller.state.devices.forgetting import forget
from controller.state.sweeps import find_sweep, list_sweeps
from controller.sweeps.starting import Before
from tests.integration.controller.conftest import start_sweep
from tests.integration.controller.domain_samples import measured_report
from tests.integration.controller.fleet.statements import heard, walking
from tests.integration.controller.test_state_of_turns import record

TOMORROW, NEXT_WEEK = 86_400_000, 604_800_000


def swept(database: Database, name: str, person: str = "", **asked: object) -> str:
    """A sweep on the phone that is told by its name in what follows; gives its id."""
    before = Before(started_by=person)
    repetitions = {"repetitions": 3} | asked
    return start_sweep(database, "phone", before=before, name=name, **repetitions)  # type: ignore[arg-type]


def measure(database: Database, count: int) -> list[str]:
    """Measures so many turns of the phone at most; gives the names of their sweeps."""
    names = []
    sweep_of = {each.sweep_id: each.name for each in list_sweeps(database)}
    for _ in range(count):
        leased = attempts.lease_next(database, "id-of-phone", now_unix_ms=0)
        if leased is None:
            break
        with database.transaction() as transaction:
            found = find_attempts(transaction, [leased.attempt_id])
        attempt = found[leased.attempt_id]
        names.append(sweep_of[attempt.turn.place.sweep_id])
        record(database, measured_report(leased.attempt_id, leased.job_id))
    return names


def test_an_urgent_sweep_overtakes_those_before_it_and_one_that_can_wait_is_last(
    database: Database,
) -> None:
    swept(database, "patient", priority=-1)
    swept(database, "ordinary")
    assert measure(database, 1) == ["ordinary"]
    swept(database, "urgent", priority=5)
    order = measure(database, 100)
    assert order == ["urgent"] * 3 + ["ordinary"] * 2 + ["patient"] * 3


def test_of_one_priority_the_earliest_deadline_is_first_and_none_is_last(
    database: Database,
) -> None:
    swept(database, "any time")
    swept(database, "next week", deadline_unix_ms=NEXT_WEEK)
    swept(database, "tomorrow", deadline_unix_ms=TOMORROW)
    swept(database, "urgent", priority=1)
    order = list(dict.fromkeys(measure(database, 100)))
    assert order == ["urgent", "tomorrow", "next week", "any time"]


def test_people_take_turns_on_a_device_however_many_sweeps_each_has(database: Database) -> None:
    swept(database, "second of ann", "ann", at_unix_ms=2, repetitions=2)
    swept(database, "first of ann", "ann", at_unix_ms=1, repetitions=2)
    assert measure(database, 1) == ["first of ann"]
    # A deadline hurries among the sweeps of one person, and takes nothing from others.
    swept(database, "of bob", "bob", deadline_unix_ms=TOMORROW)
    order = [name.split()[-1] for name in measure(database, 100)]
    assert order[:6] in (["ann", "bob"] * 3, ["bob", "ann"] * 3)
    assert sorted(order) == ["ann"] * 3 + ["bob"] * 3


def test_who_comes_later_is_owed_nothing_and_waits_for_one_turn_of_each(
    database: Database,
) -> None:
    for person in ("ann", "bob"):
        swept(database, person, person, repetitions=20)
    measure(database, 10)
    swept(database, "eve", "eve", repetitions=20)
    after = measure(database, 9)
    assert [after.count(person) for person in ("ann", "bob", "eve")] == [3, 3, 3]
    assert after[:3] == after[3:6] == after[6:]


def test_a_person_with_nothing_for_this_device_holds_up_nobody(database: Database) -> None:
    start_sweep(database, "board", before=Before(started_by="bob"), name="elsewhere")
    swept(database, "here", "ann")
    swept(database, "urgent", "eve", priority=3)
    assert measure(database, 100) == ["urgent"] * 3 + ["here"] * 3


def test_a_sweep_tells_whose_token_started_it(database: Database) -> None:
    swept(database, "mine")
    swept(database, "hers", "ann")
    assert {each.name: each.started_by for each in list_sweeps(database)} == {
        "mine": "",
        "hers": "ann",
    }


@pytest.mark.parametrize("sweep_count", [4, 40])
def test_no_lease_among_many_sweeps_of_many_people_walks_or_sorts(
    database: Database, sweep_count: int
) -> None:
    for number in range(sweep_count):
        swept(database, str(number), f"person-{number % 4}", priority=number // 20)
    with heard(database) as asked:
        for _ in range(5):
            leased = attempts.lease_next(database, "id-of-phone", now_unix_ms=0)
            assert leased is not None
            record(database, measured_report(leased.attempt_id, leased.job_id))
    assert sum("servings" in each.text for each in asked) >= 10
    assert walking(database, asked) == {}


def test_a_device_is_forgotten_with_whom_it_served(database: Database) -> None:
    kept = start_sweep(database, "board")
    for person in ("ann", "bob"):
        swept(database, person, person)
    measure(database, 2)
    forget(database, "id-of-phone")
    assert [each.sweep_id for each in list_sweeps(database)] == [kept]
    assert find_sweep(database, kept).spec.devices == ("board",)
