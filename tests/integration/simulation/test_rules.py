"""What judges simulated fleets finds what is unfair, and nothing in what is fair."""

import asyncio

import pytest

from tests.simulation.fairness import TurnTaking, Waiting
from tests.simulation.machine.loop import SimulatedLoop, StandsStill


def waiting(person: str, rank: int = 0, created: int = 0) -> Waiting:
    sweep_id = f"of {person} {rank} {created}"
    return Waiting(sweep_id=sweep_id, rank=rank, person=person, order=(0, created, sweep_id))


ANN, BOB, EVE = waiting("ann"), waiting("bob"), waiting("eve")


def unfair(turns: TurnTaking, chosen: Waiting, *others: Waiting) -> list[str]:
    return list(turns.unfair("phone", chosen, others))


def test_people_who_take_turns_are_fair_and_who_is_served_twice_before_others_is_not() -> None:
    turns = TurnTaking()
    for chosen in (ANN, BOB, EVE, ANN, BOB, EVE):
        others = [each for each in (ANN, BOB, EVE) if each is not chosen]
        assert unfair(turns, chosen, *others) == []
    assert unfair(turns, ANN, BOB, EVE) == []
    assert len(unfair(turns, ANN, BOB, EVE)) == 2


def test_who_had_nothing_to_measure_in_between_is_owed_nothing() -> None:
    turns = TurnTaking()
    assert unfair(turns, ANN, BOB) == []
    assert unfair(turns, ANN) == []
    assert unfair(turns, ANN, BOB) == []


def test_each_device_has_turns_of_its_own() -> None:
    turns = TurnTaking()
    assert list(turns.unfair("phone", ANN, [BOB])) == []
    assert list(turns.unfair("board", ANN, [BOB])) == []


def test_what_is_more_urgent_or_paused_or_younger_is_told() -> None:
    assert len(unfair(TurnTaking(), ANN, waiting("bob", rank=-1))) == 1
    assert len(unfair(TurnTaking(), waiting("ann", created=2), waiting("ann", created=1))) == 1
    assert unfair(TurnTaking(), ANN, waiting("bob", rank=1)) == []
    paused = Waiting(sweep_id="s", rank=0, person="", order=(0, 0, "s"), may_lease=False)
    assert len(unfair(TurnTaking(), paused)) == 1


def test_simulated_time_passes_without_waiting_and_in_order() -> None:
    loop = SimulatedLoop(lambda: 2.0)
    seen: list[tuple[str, float]] = []

    async def sleep(name: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        seen.append((name, loop.time()))

    async def work() -> None:
        await asyncio.to_thread(lambda: seen.append(("thread", loop.time())))

    async def main() -> None:
        await asyncio.gather(sleep("year", 3e7), sleep("day", 86_400), work())

    loop.run(main())
    assert [name for name, _ in seen] == ["thread", "day", "year"]
    assert [at_s for _, at_s in seen] == pytest.approx([2.0, 86_400.0, 3e7])


def test_a_simulation_in_which_all_wait_for_one_another_ends_with_an_error() -> None:
    loop = SimulatedLoop(lambda: 0.0)
    with pytest.raises(StandsStill):
        loop.run(asyncio.Event().wait())
