"""Sweeps that run are paused, resumed and made more or less urgent."""

from dataclasses import replace

from sqlalchemy import select, update

from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.sweeps import RUNNING_PHASES, SweepSpec
from controller.domain.sweeps.editing import SweepEdit
from controller.state.database import Database, Transaction
from controller.state.schema import sweeps
from controller.state.sweeps import asked_columns


def pause(database: Database, sweep_id: str, by: str, now_unix_ms: int) -> None:
    """Lets a sweep give out no turns; one that is paused stays so by whom it was paused.

    Args:
        database: where it is remembered.
        sweep_id: which one.
        by: the name of a token; empty where nobody was asked for one.
        now_unix_ms: the time.

    Raises:
        EdgerankError: PRECONDITION when it has ended.
    """
    with database.writing() as transaction:
        _check_running(transaction, sweep_id)
        transaction.execute(
            update(sweeps)
            .where(sweeps.c.sweep_id == sweep_id, sweeps.c.paused_at_unix_ms.is_(None))
            .values(paused_by=by, paused_at_unix_ms=now_unix_ms)
        )


def resume(database: Database, sweep_id: str) -> None:
    """Lets a sweep give out turns again; one that was not paused does already.

    Raises:
        EdgerankError: PRECONDITION when it has ended.
    """
    with database.writing() as transaction:
        _check_running(transaction, sweep_id)
        transaction.execute(
            update(sweeps)
            .where(sweeps.c.sweep_id == sweep_id)
            .values(paused_by=None, paused_at_unix_ms=None)
        )


def edit(database: Database, wanted: SweepEdit) -> SweepSpec:
    """Makes a sweep more or less urgent; gives what is asked for from now on.

    Raises:
        EdgerankError: PRECONDITION when it has ended.
    """
    of_sweep = sweeps.c.sweep_id == wanted.sweep_id
    with database.writing() as transaction:
        _check_running(transaction, wanted.sweep_id)
        before: SweepSpec = transaction.scalars(select(sweeps.c.spec).where(of_sweep)).one()
        after = edited(before, wanted)
        transaction.execute(update(sweeps).where(of_sweep).values(asked_columns(after)))
    return after


def edited(spec: SweepSpec, wanted: SweepEdit) -> SweepSpec:
    """What is asked for once it was edited."""
    deadline = spec.deadline_unix_ms if wanted.deadline_unix_ms is None else wanted.deadline_unix_ms
    return replace(
        spec,
        priority=spec.priority if wanted.priority is None else wanted.priority,
        deadline_unix_ms=None if wanted.without_deadline else deadline,
    )


def _check_running(transaction: Transaction, sweep_id: str) -> None:
    phase = transaction.scalars(select(sweeps.c.phase).where(sweeps.c.sweep_id == sweep_id)).one()
    if phase not in RUNNING_PHASES:
        raise EdgerankError(
            ErrorCode.PRECONDITION,
            f"the sweep {sweep_id} is over ({phase.value}), and nothing of it is to come; "
            "start another one",
        )
