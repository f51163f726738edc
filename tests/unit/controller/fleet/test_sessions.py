"""What is still to be said to an agent is neither dropped nor doubled, and who hears it waits."""

import asyncio

from controller.fleet.leasing.leases import USUAL
from controller.fleet.sessions import AgentSession, Outbox, Said
from protos.fleet import (
    CONTROLLER_FEATURES,
    PROTOCOL,
    Cancel,
    CertificateDue,
    ReportCommitted,
    SlowDown,
    Welcome,
)
from tests.integration.controller.domain_samples import hello


def taken(outbox: Outbox) -> list[Said]:
    return [outbox.get_nowait() for _ in range(outbox.qsize())]


async def test_a_demand_waits_once_and_an_answer_as_often_as_it_is_due() -> None:
    outbox = Outbox()
    first, second = Cancel(attempt_id="a"), Cancel(attempt_id="b")
    answer = ReportCommitted(attempt_id="a")
    for said in (first, second, CertificateDue(), first, CertificateDue(), answer, answer, None):
        outbox.put_nowait(said)
    assert taken(outbox) == [first, second, CertificateDue(), answer, answer, None]
    # Once it was said, it may be said again.
    outbox.put_nowait(first)
    assert taken(outbox) == [first]


async def test_who_hears_waits_until_enough_was_read_and_who_speaks_never_does() -> None:
    outbox = Outbox()
    for number in range(4):
        outbox.put_nowait(ReportCommitted(attempt_id=str(number)))
    hearing = asyncio.create_task(outbox.room(3))
    for _ in range(2):
        await asyncio.sleep(0)
        assert not hearing.done()
        await outbox.get()
    await hearing
    assert outbox.qsize() == 2


async def test_what_is_said_reaches_who_waits_for_it() -> None:
    outbox = Outbox()
    reading = asyncio.create_task(outbox.get())
    await asyncio.sleep(0)
    outbox.put_nowait(CertificateDue())
    assert await reading == CertificateDue()
    assert outbox.empty()


async def test_who_was_welcomed_to_a_small_fleet_is_told_once_that_it_has_grown() -> None:
    session = AgentSession(hello("phone"), {})
    session.welcome(USUAL.for_fleet(1))
    assert taken(session.outbox) == [
        Welcome(
            heartbeat_interval_ms=5_000,
            protocol=PROTOCOL,
            redial_spread_ms=5,
            features=CONTROLLER_FEATURES,
        )
    ]
    for agents in (2, 10_000, 10_001):
        session.slow_down(USUAL.for_fleet(agents))
    assert taken(session.outbox) == [
        SlowDown(heartbeat_interval_ms=20_000, redial_spread_ms=50_000)
    ]
