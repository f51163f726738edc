"""How a sweep begins: what its files need, its jobs, and in which order they take turns."""

import random
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Final

from controller.domain.jobs import PlannedJob
from controller.domain.rankings.predictions import Foretold
from controller.domain.sweeps import SweepSpec, planned_time_ms
from controller.fleet.rounds.expecting import pioneers
from controller.fleet.rounds.networks import known_networks
from controller.fleet.rounds.turns import first_rounds
from controller.ranking.prediction.evidence import Network
from controller.state.catalog.candidates import (
    add_continued,
    planned_racer,
    racing_jobs,
    reused_racers,
)
from controller.state.database import Database, Transaction
from controller.state.measurements.foretold import keep_foretold
from controller.state.rounds.courses import NewCourse, Place, open_courses
from controller.state.rounds.start_requests import StartRequest, remember_start
from controller.state.rounds.turns import begin_turns
from controller.state.sweeps import add_reused, add_sweep
from models.catalog.features import NetworkFeatures
from protos.reasons import Reason


@dataclass(frozen=True, kw_only=True)
class Before:
    """What is known of a sweep before it begins.

    Attributes:
        expected_ms: how long each device is expected to measure, by its id, ms.
        reused: ids of earlier jobs whose figures are the sweep's, too.
        continued: of jobs that go on, the id of the earlier job whose processes count on.
        foretold: what was predicted of jobs before; kept of those that the sweep begins with.
        started_by: the name of the token of who starts it; empty where nobody is asked for one.
        retry_of: the sweep whose jobs it does that are not done; None for a new one.
        request: what asked for it, to which an answer is remembered; None where none is.
        left_out: what is left out of what is asked for, since a device cannot do it.
    """

    expected_ms: Mapping[str, int] = field(default_factory=dict)
    reused: Sequence[str] = ()
    continued: Mapping[PlannedJob, str] = field(default_factory=dict)
    foretold: Mapping[PlannedJob, Foretold] = field(default_factory=dict)
    started_by: str = ""
    retry_of: str | None = None
    request: StartRequest | None = None
    left_out: Sequence[Reason] = ()


NOTHING_BEFORE: Final = Before()


@dataclass(frozen=True)
class _Asked:
    """What is asked for, and what is known of the networks that race and of how long it takes."""

    spec: SweepSpec
    networks: Mapping[Network, NetworkFeatures]
    expected_ms: Mapping[str, int]


def create_sweep(
    database: Database,
    spec: SweepSpec,
    planned: Sequence[PlannedJob],
    now_unix_ms: int,
    before: Before = NOTHING_BEFORE,
) -> str:
    """Remembers a sweep whose jobs wait for their artifacts; gives its id, the order's seed."""
    sweep_id = uuid.uuid4().hex[:12]
    networks = {} if spec.race is None else known_networks(database)
    asked = _Asked(spec, networks, before.expected_ms)
    if spec.race is not None:
        _choose(database, planned, before, networks)
    with database.writing() as transaction:
        job_ids = add_sweep(
            transaction,
            sweep_id,
            spec,
            planned,
            now_unix_ms,
            started_by=before.started_by,
            retry_of=before.retry_of,
            left_out=before.left_out,
        )
        if before.request is not None:
            remember_start(transaction, before.request, sweep_id)
        add_reused(transaction, sweep_id, before.reused)
        _continue(transaction, before.continued, zip(planned, job_ids, strict=True))
        here: defaultdict[str, list[tuple[str, bool]]] = defaultdict(list)
        for job_id, job in zip(job_ids, planned, strict=True):
            here[job.device_id].append((job_id, job.is_sentinel))
        begun = [
            _begin(transaction, Place(sweep_id=sweep_id, device_id=device_id), its, asked)
            for device_id, its in here.items()
        ]
        open_courses(transaction, [course for course, _ in begun])
        begin_turns(transaction, sweep_id, [(course.place, order) for course, order in begun])
        ids = zip(planned, job_ids, strict=True)
        _keep_foretold(transaction, before.foretold, ids, (order for _, order in begun))
    return sweep_id


def _choose(
    database: Database,
    planned: Sequence[PlannedJob],
    before: Before,
    networks: Mapping[Network, NetworkFeatures],
) -> None:
    """Chooses pioneers while others write: it is kept, and found again where the race is written.

    Should what is written differ, as somebody measured meanwhile, it is chosen there.
    """
    with database.transaction() as transaction:
        racers = reused_racers(transaction, before.reused)
    for number, job in enumerate(planned):
        if not job.is_sentinel:
            medians_ms = (1.0,) if job in before.continued else ()
            racer = replace(planned_racer(str(number), job), top1=0.0, medians_ms=medians_ms)
            racers.setdefault(job.device_id, []).append(racer)
    for those in racers.values():
        pioneers(those, networks)


def _continue(
    transaction: Transaction,
    continued: Mapping[PlannedJob, str],
    ids: Iterable[tuple[PlannedJob, str]],
) -> None:
    # Of a large sweep, a table of all jobs takes longer than what is written of them.
    if continued:
        add_continued(transaction, {own: continued[job] for job, own in ids if job in continued})


def _keep_foretold(
    transaction: Transaction,
    foretold: Mapping[PlannedJob, Foretold],
    ids: Iterable[tuple[PlannedJob, str]],
    orders: Iterable[Sequence[str]],
) -> None:
    """Keeps what was predicted of jobs that have a turn: the others of a race may never have."""
    if not foretold:
        return
    ordered = frozenset(chain.from_iterable(orders))
    of_device: defaultdict[str, dict[str, Foretold]] = defaultdict(dict)
    for job, own in ids:
        if own in ordered and job in foretold:
            of_device[job.device_id][own] = foretold[job]
    for device_id, those in of_device.items():
        keep_foretold(transaction, device_id, those)


def _begin(
    transaction: Transaction,
    place: Place,
    jobs: Sequence[tuple[str, bool]],
    asked: _Asked,
) -> tuple[NewCourse, tuple[str, ...]]:
    """How a sweep begins on a device, and its first turns; `jobs` tells which one is a sentinel."""
    sentinel = next((job_id for job_id, is_sentinel in jobs if is_sentinel), None)
    measured = [job_id for job_id, is_sentinel in jobs if not is_sentinel]
    first: Sequence[str] = measured
    spec = asked.spec
    if spec.race is not None:
        first = pioneers(racing_jobs(transaction, place), asked.networks)
    rng = random.Random(f"{place.sweep_id} {place.device_id}")
    order = first_rounds(first, spec.fewest_repetitions, sentinel, rng)
    course = NewCourse(
        place=place,
        planned_ms=planned_time_ms(spec, len(measured)),
        sentinel=sentinel,
        turn_count=len(order),
        expected_ms=asked.expected_ms.get(place.device_id),
    )
    return course, order
