"""Jobs are measured in rounds, and as often as their intervals need it."""

import random
from collections import Counter
from dataclasses import dataclass, field, replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from controller.domain.jobs import OpenJob, Turn, TurnState
from controller.domain.sweeps import JOB_TIME_MS, SweepSpec, planned_time_ms
from controller.figures.spread import Spread, spread_of
from controller.fleet.rounds.turns import (
    SENTINEL_EVERY,
    Course,
    first_rounds,
    is_complete,
    next_turns,
    wants_more,
    with_readings,
)
from models.catalog.variants import WeightsKind

QUIET_MS, SLOW_MS = 2.0, 2.6
SENTINEL = "the sentinel"
SPEC = SweepSpec(
    backbones=("A",),
    devices=(),
    runtimes=(),
    threads=(1,),
    weights=WeightsKind.SYNTHETIC,
    fewest_repetitions=3,
    most_repetitions=10,
    relative_half_width=0.02,
    time_budget_ms=1_000,
)
COURSE = Course(
    spec=SPEC,
    planned_ms=8 * JOB_TIME_MS,
    spread=Spread(squares=20 * 0.001**2, degrees=20),
    history=Spread(),
    spent_ms=0,
    readings_ms=(),
    sentinel=None,
    has_repeated=False,
)
AGREEING = (5.0, 5.005, 4.995)
APART = (5.0, 5.5, 4.6)
QUEUED = Turn(state=TurnState.QUEUED)
job_ids = st.lists(st.text("abcdefgh", min_size=1, max_size=3), max_size=12, unique=True)


def taken(median_ms: float, block: int = 0, spent_ms: int = 0) -> Turn:
    return Turn(state=TurnState.TAKEN, block=block, median_ms=median_ms, spent_ms=spent_ms)


def job(
    job_id: str, medians_ms: tuple[float, ...], *, block: int = 0, spent_ms: int = 0
) -> OpenJob:
    turns = tuple(taken(median_ms, block, spent_ms) for median_ms in medians_ms)
    return OpenJob(job_id=job_id, turns=turns)


def following(*jobs: OpenJob, course: Course = COURSE) -> tuple[str, ...]:
    return next_turns(jobs, course, random.Random(0)).jobs


@given(job_ids, st.integers(1, 8), st.integers())
def test_each_round_takes_one_repetition_of_every_job_before_any_has_the_next(
    jobs: list[str], fewest: int, seed: int
) -> None:
    order = first_rounds(jobs, fewest, None, random.Random(seed))
    rounds = [order[begin : begin + len(jobs)] for begin in range(0, len(order), len(jobs) or 1)]
    assert all(sorted(each) == sorted(jobs) for each in rounds)
    assert len(order) == fewest * len(jobs)
    assert order == first_rounds(jobs, fewest, None, random.Random(seed))


def test_rounds_are_not_all_in_the_same_order() -> None:
    order = first_rounds("abcdefgh", 3, None, random.Random(1))
    assert len({order[begin : begin + 8] for begin in (0, 8, 16)}) == 3


@given(job_ids, st.integers(1, 8), st.integers())
def test_the_sentinel_comes_first_and_after_every_ten(
    jobs: list[str], fewest: int, seed: int
) -> None:
    order = first_rounds(jobs, fewest, SENTINEL, random.Random(seed))
    assert [each for each in order if each != SENTINEL] == list(
        first_rounds(jobs, fewest, None, random.Random(seed))
    )
    if not jobs:
        assert order == ()
        return
    first, *blocks = " ".join(order).split(SENTINEL)
    assert first == ""
    assert all(len(block.split()) == SENTINEL_EVERY for block in blocks[:-1])
    assert 1 <= len(blocks[-1].split()) <= SENTINEL_EVERY


def test_later_rounds_go_on_with_the_block_that_the_last_one_left() -> None:
    order = with_readings("abcdefgh", SENTINEL, since=6)
    assert order == ("a", "b", "c", "d", SENTINEL, "e", "f", "g", "h")


def test_only_those_whose_interval_is_too_wide_have_another_round() -> None:
    assert set(following(job("a", APART), job("b", AGREEING), job("c", APART))) == {"a", "c"}


def test_processes_that_agree_by_chance_where_others_differ_are_not_believed() -> None:
    differing = replace(COURSE, spread=Spread(squares=20 * 0.03**2, degrees=20))
    assert not wants_more(job("a", AGREEING), COURSE)
    assert wants_more(job("a", AGREEING), differing)


def test_a_job_alone_is_believed_when_the_device_was_measured_before() -> None:
    alone = replace(COURSE, spread=spread_of(AGREEING))
    known = replace(alone, history=Spread(squares=30 * 0.002**2, degrees=30))
    assert wants_more(job("a", AGREEING), alone)
    assert not wants_more(job("a", AGREEING), known)


@given(st.lists(st.floats(4.0, 6.0), max_size=12), st.integers(1, 4), st.integers(4, 10))
def test_never_fewer_than_the_fewest_nor_more_than_the_most(
    medians_ms: list[float], fewest: int, most: int
) -> None:
    spec = replace(SPEC, fewest_repetitions=fewest, most_repetitions=most)
    wanted = wants_more(job("a", tuple(medians_ms)), replace(COURSE, spec=spec))
    if len(medians_ms) < fewest:
        assert wanted
    if len(medians_ms) >= most:
        assert not wanted


def test_a_job_has_no_more_than_its_share_of_time() -> None:
    within = job("a", APART, spent_ms=JOB_TIME_MS // 4)
    beyond = job("b", APART, spent_ms=JOB_TIME_MS // 4 + 1)
    assert following(within, beyond) == ("a",)


def test_the_time_of_a_sweep_goes_to_those_that_are_widest() -> None:
    slightly = (5.0, 5.1, 4.9)
    jobs = [job("a", slightly, spent_ms=1_000), job("b", APART, spent_ms=1_000)]
    spec = replace(SPEC, time_ms=7_500)
    assert following(*jobs, course=replace(COURSE, spec=spec, spent_ms=6_000)) == ("b",)
    assert len(following(*jobs, course=replace(COURSE, spec=spec, spent_ms=5_500))) == 2
    assert following(*jobs, course=replace(COURSE, spec=spec, spent_ms=7_000)) == ()


def test_a_job_with_all_it_is_to_have_waits_until_two_readings_followed() -> None:
    watched = replace(COURSE, sentinel=SENTINEL)
    for readings, expected in (((2.0,), False), ((2.0, 2.0), False), ((2.0,) * 3, True)):
        course = replace(watched, readings_ms=readings)
        assert is_complete(job("a", AGREEING, block=1), course) is expected
    assert is_complete(job("a", AGREEING, block=1), COURSE)


def test_a_reading_is_added_where_none_would_follow() -> None:
    course = replace(COURSE, sentinel=SENTINEL, readings_ms=(2.0,))
    assert next_turns([job("a", AGREEING, block=1)], course, random.Random(0)).reading
    read = replace(course, readings_ms=(2.0, 2.0))
    assert not next_turns([job("a", AGREEING, block=1)], read, random.Random(0)).reading


def test_a_change_at_the_end_is_looked_at_once_more() -> None:
    readings = (2.0, 2.0, 2.0, SLOW_MS)
    course = replace(COURSE, sentinel=SENTINEL, readings_ms=readings)
    assert next_turns([job("a", AGREEING, block=3)], course, random.Random(0)).reading
    assert not next_turns([job("a", AGREEING, block=2)], course, random.Random(0)).reading


class TestTakenAgain:
    CHANGED = replace(
        COURSE,
        sentinel=SENTINEL,
        readings_ms=(QUIET_MS,) * 5 + (SLOW_MS,) * 2,
        planned_ms=20 * JOB_TIME_MS,
    )

    def test_what_lay_beside_a_lasting_change_is_taken_again_once(self) -> None:
        beside = OpenJob(job_id="a", turns=(taken(5, 1), taken(5.001, 5), taken(4.999, 6)))
        away = job("b", AGREEING, block=2)
        found = next_turns([beside, away], self.CHANGED, random.Random(0))
        assert (found.jobs, found.is_repeat) == (("a", "a"), True)
        again = replace(self.CHANGED, has_repeated=True)
        assert next_turns([beside, away], again, random.Random(0)).jobs == ()

    def test_the_widest_first_within_a_tenth_of_the_planned_time(self) -> None:
        tenth = JOB_TIME_MS * 20 // 10
        jobs = [
            job("a", AGREEING, block=5, spent_ms=tenth // 4),
            replace(job("b", APART, block=5, spent_ms=tenth // 4)),
        ]
        found = Counter(next_turns(jobs, self.CHANGED, random.Random(0)).jobs)
        assert found == {"b": 3, "a": 1}


@dataclass
class Device:
    """A device that measures jobs whose processes differ, each taking its time."""

    spreads: dict[str, float]
    spec: SweepSpec
    rng: np.random.Generator
    slow_from: float
    cost_ms: int
    turns: dict[str, list[Turn]] = field(default_factory=dict)
    readings: list[float] = field(default_factory=list)
    spent_ms: int = 0
    repeated: bool = False
    taken: list[str] = field(default_factory=list)

    def measure(self, current: str) -> None:
        slower = 1.5 if len(self.taken) > self.slow_from else 1.0
        self.spent_ms += self.cost_ms
        if current == SENTINEL:
            self.readings.append(QUIET_MS * slower)
            return
        self.taken.append(current)
        median_ms = float(slower * np.exp(self.spreads[current] * self.rng.standard_normal()))
        turn = taken(median_ms, len(self.readings), self.cost_ms)
        self.turns.setdefault(current, []).append(turn)

    def course(self, sentinel: str | None) -> Course:
        spread = Spread()
        for each in self.jobs():
            spread = spread.plus(spread_of(each.medians_ms))
        return replace(
            COURSE,
            spec=self.spec,
            planned_ms=planned_time_ms(self.spec, len(self.spreads)),
            spread=spread,
            spent_ms=self.spent_ms,
            readings_ms=tuple(self.readings),
            sentinel=sentinel,
            has_repeated=self.repeated,
        )

    def jobs(self) -> list[OpenJob]:
        return [OpenJob(job_id=job_id, turns=tuple(its)) for job_id, its in self.turns.items()]

    def run(self, has_sentinel: bool) -> None:
        rng = random.Random(0)
        sentinel = SENTINEL if has_sentinel else None
        queue = list(
            first_rounds(sorted(self.spreads), self.spec.fewest_repetitions, sentinel, rng)
        )
        while queue:
            for current in queue:
                self.measure(current)
            step = next_turns(self.jobs(), self.course(sentinel), rng)
            self.repeated |= step.is_repeat
            queue = [*step.jobs, *([SENTINEL] if step.reading else [])]


devices = st.builds(
    Device,
    spreads=st.dictionaries(st.text("abc", min_size=1, max_size=2), st.floats(0, 0.2), min_size=1),
    spec=st.builds(
        lambda fewest, more, time_ms: replace(
            SPEC, fewest_repetitions=fewest, most_repetitions=fewest + more, time_ms=time_ms
        ),
        st.integers(1, 3),
        st.integers(0, 6),
        st.none() | st.integers(1, 100_000),
    ),
    rng=st.integers(0, 2**32 - 1).map(np.random.default_rng),
    slow_from=st.floats(0, 60),
    cost_ms=st.just(1_000),
)


@given(devices, st.booleans())
def test_every_sweep_ends_within_its_time_with_enough_and_not_too_many_of_each_job(
    device: Device, has_sentinel: bool
) -> None:
    device.run(has_sentinel)
    spec, jobs = device.spec, sorted(device.spreads)
    counts = Counter(device.taken)
    assert sorted(counts) == jobs
    assert min(counts.values()) >= spec.fewest_repetitions
    planned_ms = planned_time_ms(spec, len(jobs))
    beyond = sum(max(0, count - spec.most_repetitions) for count in counts.values())
    assert beyond * device.cost_ms <= planned_ms / 10
    if spec.time_ms is not None:
        least_ms = device.cost_ms * spec.fewest_repetitions * len(jobs)
        readings_ms = device.cost_ms * len(device.readings)
        assert device.spent_ms <= max(least_ms, planned_ms) + planned_ms / 10 + readings_ms
    for number in range(spec.fewest_repetitions):
        assert sorted(device.taken[number * len(jobs) :][: len(jobs)]) == jobs
