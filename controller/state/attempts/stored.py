"""Attempts that are reported: found with all that what becomes of their turns depends on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, and_, bindparam, exists, or_, select

from controller.domain.devices import DeviceStanding
from controller.domain.jobs import OPEN_TURNS, AttemptState, JobState
from controller.state.database import Transaction
from controller.state.devices.standings import COLUMNS, standing_of
from controller.state.rounds.courses import Place
from controller.state.rounds.endings import TurnStanding
from controller.state.rounds.turns import LeasedTurn
from controller.state.schema import (
    artifacts,
    attempts,
    courses,
    device_standings,
    jobs,
    sweep_counts,
    turns,
)
from controller.state.schema.columns import Unreadable
from controller.state.schema.many_rows import in_few_lengths
from controller.state.schema.unreadable import finite
from protos.measuring import MeasureSettings


@dataclass(frozen=True, kw_only=True)
class StoredAttempt:
    """An attempt as it is remembered, with what its job asks for.

    Attributes:
        turn: that it is made at.
        turn_standing: how that stands, now.
        job_state: that of its job.
        settings: what it was told.
        is_sentinel: whether it reads the sentinel.
        reading_count: how many readings its sweep has on the device.
        leased_at_unix_ms: since when, by the controller's clock.
        output_tolerance: how far its outputs may be from the reference, relative; None is unknown.
        has_other_files: whether the files that it was leased are no more: others took their place.
        standing: of its device, now.
    """

    turn: LeasedTurn
    turn_standing: TurnStanding
    job_state: JobState
    settings: MeasureSettings | Unreadable
    is_sentinel: bool
    reading_count: int
    leased_at_unix_ms: int
    state: AttemptState
    output_tolerance: float | None
    has_other_files: bool
    standing: DeviceStanding


def find_attempts(transaction: Transaction, attempt_ids: Sequence[str]) -> dict[str, StoredAttempt]:
    """The attempts of these ids that there are, whichever device they were made on."""
    if not attempt_ids:
        return {}
    rows = transaction.execute(_FIND, {"of_attempts": in_few_lengths(attempt_ids)}).all()
    return {row.attempt_id: _stored(row) for row in rows}


def _stored(row: Row[Any]) -> StoredAttempt:
    place = Place(sweep_id=row.sweep_id, device_id=row.device_id)
    return StoredAttempt(
        turn=LeasedTurn(place=place, job_id=row.job_id, ordinal=row.ordinal),
        turn_standing=TurnStanding(
            is_open=bool(row.is_open),
            has_others=bool(row.has_others),
            has_medians=bool(row.has_medians),
            takings=row.takings,
        ),
        job_state=row.job_state,
        settings=row.settings,
        is_sentinel=row.is_sentinel,
        reading_count=row.reading_count,
        leased_at_unix_ms=row.leased_at_unix_ms,
        state=row.state,
        output_tolerance=finite(row.output_tolerance),
        has_other_files=bool(row.has_other_files),
        standing=standing_of(row._mapping),
    )


_OWN, _OTHERS = turns.alias("own"), turns.alias("others")
# What is asked for each report is put together once, and is one row: a job has many turns.
_FIND = (
    select(
        jobs.c.job_id,
        jobs.c.sweep_id,
        jobs.c.device_id,
        jobs.c.state.label("job_state"),
        jobs.c.is_sentinel,
        jobs.c.settings,
        courses.c.reading_count,
        sweep_counts.c.takings,
        attempts.c.attempt_id,
        attempts.c.ordinal,
        attempts.c.leased_at_unix_ms,
        attempts.c.state,
        artifacts.c.output_tolerance,
        (artifacts.c.created_at_unix_ms > attempts.c.leased_at_unix_ms).label("has_other_files"),
        or_(*(_OWN.c.state == state for state in OPEN_TURNS)).label("is_open"),
        exists()
        .where(
            _OTHERS.c.job_id == attempts.c.job_id,
            _OTHERS.c.ordinal != attempts.c.ordinal,
            or_(*(_OTHERS.c.state == state for state in OPEN_TURNS)),
        )
        .label("has_others"),
        exists()
        .where(_OTHERS.c.job_id == attempts.c.job_id, _OTHERS.c.median_ms.is_not(None))
        .label("has_medians"),
        *COLUMNS,
    )
    .select_from(jobs)
    .join(attempts, attempts.c.job_id == jobs.c.job_id)
    .join(sweep_counts, sweep_counts.c.sweep_id == jobs.c.sweep_id)
    .outerjoin(
        _OWN,
        and_(_OWN.c.job_id == attempts.c.job_id, _OWN.c.ordinal == attempts.c.ordinal),
    )
    .outerjoin(artifacts, artifacts.c.conversion_key == jobs.c.conversion_key)
    .outerjoin(device_standings, device_standings.c.device_id == jobs.c.device_id)
    .join(
        courses,
        and_(courses.c.sweep_id == jobs.c.sweep_id, courses.c.device_id == jobs.c.device_id),
    )
    .where(attempts.c.attempt_id.in_(bindparam("of_attempts", expanding=True)))
)
