"""What was asked to be started, under which id: who asks again is answered the same."""

from dataclasses import dataclass, replace

from sqlalchemy import insert, select

from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.sweeps import StartedSweep, SweepSpec
from controller.state.database import Database, Transaction
from controller.state.schema import start_requests
from controller.state.schema.columns import Unreadable


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What somebody asks for.

    Attributes:
        spec: the sweep, or the one that a profile is.
        profile_runs: inferences to profile; None of a sweep.
    """

    spec: SweepSpec
    profile_runs: int | None = None


@dataclass(frozen=True, kw_only=True)
class StartRequest:
    """A sweep that somebody asks for under an id.

    Attributes:
        request_id: made by whoever asks, for this sweep alone.
        asked: what for.
        answer: what is answered once it is started; its id is still to come.
    """

    request_id: str
    asked: Asked
    answer: StartedSweep


def remember_start(transaction: Transaction, request: StartRequest, sweep_id: str) -> None:
    """Remembers what a request started, and what is answered to it."""
    transaction.execute(
        insert(start_requests).values(
            request_id=request.request_id,
            sweep_id=sweep_id,
            spec=request.asked.spec,
            profile_runs=request.asked.profile_runs,
            answer=replace(request.answer, sweep_id=sweep_id),
        )
    )


def find_start(database: Database, request_id: str, asked: Asked) -> StartedSweep | None:
    """What was answered to a request of this id; None when nothing was started by one.

    Raises:
        EdgerankError: NAME_TAKEN when it was of something else; DAMAGED when it cannot be read.
    """
    with database.transaction() as transaction:
        row = transaction.execute(
            select(start_requests).where(start_requests.c.request_id == request_id)
        ).one_or_none()
    if row is None:
        return None
    if isinstance(row.spec, Unreadable) or isinstance(row.answer, Unreadable):
        raise EdgerankError(
            ErrorCode.DAMAGED,
            f"the request {request_id!r} started the sweep {row.sweep_id}, and more of it cannot "
            "be read any more; follow that, or ask for another sweep with an id of its own",
        )
    if Asked(spec=row.spec, profile_runs=row.profile_runs) != asked:
        raise EdgerankError(
            ErrorCode.NAME_TAKEN,
            f"the request {request_id!r} started the sweep {row.sweep_id}, of something else; make "
            "an id of its own for each sweep",
        )
    answer: StartedSweep = row.answer
    return answer
