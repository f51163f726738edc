"""What a device may do is about what was leased to it, and ends when it is taken out."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from agent.link.identity import new_request
from controller.access.authorities import KEPT, Authorities
from controller.access.callers import OWNER
from controller.access.members import Members
from controller.domain.access import AuditEntry, CallerKind, JoinTokenSpec
from controller.domain.errors import EdgerankError, ErrorCode
from controller.fleet.agents import Fleet
from controller.fleet.leasing.leases import LEASE_MS
from controller.state.access import audit
from controller.state.access import members as kept_members
from controller.state.access.audit import list_changes, record_change
from controller.state.access.members import (
    add_certificate,
    admit,
    list_join_tokens,
    revoke_member,
)
from controller.state.database import Database
from controller.state.devices import list_devices
from controller.state.measurements import list_outcomes
from protos.fleet import Heartbeat, Lease, ReportCommitted
from protos.joining import parse_join_token
from tests.integration.controller.conftest import OwnedClock, start_sweep
from tests.integration.controller.domain_samples import hello, measured_report

LIFETIME_MS = 30_000


@pytest.fixture
def authorities(tmp_path: Path) -> Authorities:
    return Authorities(tmp_path / "access")


@pytest.fixture
def members(database: Database, authorities: Authorities, clock: OwnedClock) -> Members:
    return Members(database, authorities, clock, fleet_port=lambda: 7701, lifetime_ms=LIFETIME_MS)


def _token(members: Members) -> bytes:
    spec = JoinTokenSpec(lifetime_ms=1_000, labels={})
    spelt, _id = members.new_token(spec, bytes(range(32)), None, ("lab:7700",))
    return parse_join_token(spelt).secret


async def test_a_device_fetches_what_was_leased_to_it_and_nothing_else(
    database: Database, fleet: Fleet, members: Members
) -> None:
    start_sweep(database, "phone")
    start_sweep(database, "board")
    session = await fleet.connect(hello("phone"))
    await fleet.ready(session)
    session.outbox.get_nowait()
    lease = session.outbox.get_nowait()
    assert isinstance(lease, Lease)
    # And what its outputs are compared with.
    for sha256 in (lease.artifact_sha256, lease.reference_sha256):
        assert members.may_fetch("id-of-phone", sha256)
        assert not members.may_fetch("id-of-board", sha256)
    assert not members.may_fetch("id-of-phone", "0" * 64)


async def test_a_report_of_an_attempt_of_another_device_counts_nowhere(
    database: Database, fleet: Fleet, clock: OwnedClock
) -> None:
    sweep_id = start_sweep(database, "phone", repetitions=1)
    start_sweep(database, "board")
    phone = await fleet.connect(hello("phone"))
    await fleet.ready(phone)
    phone.outbox.get_nowait()
    lease = phone.outbox.get_nowait()
    assert isinstance(lease, Lease)
    board = await fleet.connect(hello("board"))
    board.outbox.get_nowait()
    await fleet.report(board, measured_report(lease.attempt_id, lease.job_id))
    assert board.outbox.get_nowait() == ReportCommitted(attempt_id=lease.attempt_id)
    assert not list_outcomes(database, sweep_id)
    # Nor does it end the lease of whose it is.
    clock.now_ms = LEASE_MS - 1
    await fleet.heartbeat(phone, Heartbeat(held_attempt_ids=(lease.attempt_id,)))
    clock.now_ms += 2
    await fleet.look_after_leases()
    assert lease.attempt_id in phone.leases


def test_a_certificate_is_good_until_it_ends_by_the_controllers_clock(
    members: Members, clock: OwnedClock
) -> None:
    joined, _token_id = members.join(_token(members), new_request().request_der)
    assert joined.renew_after_ms < LIFETIME_MS / 2
    clock.now_ms = LIFETIME_MS - 1
    assert members.device_of(joined.certificate_pem.encode()) == joined.device_id
    renewed = members.renew(joined.certificate_pem.encode(), new_request().request_der)
    clock.now_ms = LIFETIME_MS
    assert members.device_of(renewed.certificate_pem.encode()) == joined.device_id
    with pytest.raises(EdgerankError) as ended:
        members.device_of(joined.certificate_pem.encode())
    assert ended.value.code is ErrorCode.NOT_ALLOWED


def test_what_was_renewed_while_the_clock_was_behind_is_good_when_it_is_right_again(
    members: Members, clock: OwnedClock
) -> None:
    clock.now_ms = 40 * LIFETIME_MS
    joined, _token_id = members.join(_token(members), new_request().request_der)
    clock.now_ms = 0
    renewed = members.renew(joined.certificate_pem.encode(), new_request().request_der)
    clock.now_ms = 41 * LIFETIME_MS - 1
    assert members.device_of(renewed.certificate_pem.encode()) == joined.device_id
    clock.now_ms = 41 * LIFETIME_MS
    with pytest.raises(EdgerankError, match="has ended"):
        members.device_of(renewed.certificate_pem.encode())


def test_what_a_clock_years_ahead_has_ended_of_others_holds_when_it_is_right_again(
    members: Members, clock: OwnedClock
) -> None:
    joined, _token_id = members.join(_token(members), new_request().request_der)
    clock.now_ms = 40 * LIFETIME_MS
    members.join(_token(members), new_request().request_der)
    clock.now_ms = LIFETIME_MS - 1
    assert members.device_of(joined.certificate_pem.encode()) == joined.device_id


def test_a_token_that_a_clock_years_ahead_has_ended_is_good_when_it_is_right_again(
    members: Members, clock: OwnedClock
) -> None:
    secret = _token(members)
    clock.now_ms = 40 * LIFETIME_MS
    members.new_token(JoinTokenSpec(lifetime_ms=1_000, labels={}), bytes(32), None, ("lab:7700",))
    clock.now_ms = 999
    joined, _token_id = members.join(secret, new_request().request_der)
    assert joined.device_id


def test_of_tokens_that_have_ended_only_so_many_are_kept(
    database: Database, members: Members, clock: OwnedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_members, "MOST_ENDED", 2)
    for number in range(5):
        clock.now_ms = 10_000 * number
        spec = JoinTokenSpec(lifetime_ms=1_000, labels={"number": str(number)})
        members.new_token(spec, bytes([number]) * 32, None, ("lab:7700",))
    kept = list_join_tokens(database, 0)
    assert [token.labels["number"] for token in kept] == ["2", "3", "4"]


async def test_who_joins_again_while_the_clock_is_behind_is_good_when_it_is_right_again(
    database: Database, fleet: Fleet, members: Members, clock: OwnedClock
) -> None:
    clock.now_ms = 40 * LIFETIME_MS
    joined, _token_id = members.join(_token(members), new_request().request_der)
    await fleet.connect(replace(hello("phone"), device_id=joined.device_id))
    (device,) = list_devices(database, frozenset())
    clock.now_ms = 0
    spec = JoinTokenSpec(lifetime_ms=1_000, labels={}, device="phone")
    spelt, _id = members.new_token(spec, bytes(32), device, ("lab:7700",))
    again, _token_id = members.join(parse_join_token(spelt).secret, new_request().request_der)
    clock.now_ms = 41 * LIFETIME_MS - 1
    assert members.device_of(again.certificate_pem.encode()) == joined.device_id


def test_a_token_ends_by_the_controllers_clock(members: Members, clock: OwnedClock) -> None:
    secret = _token(members)
    clock.now_ms = 1_000
    with pytest.raises(EdgerankError) as refused:
        members.join(secret, new_request().request_der)
    assert refused.value.code is ErrorCode.UNKNOWN_CALLER


async def test_a_device_that_is_removed_comes_back_by_a_token_only(
    database: Database, fleet: Fleet, members: Members
) -> None:
    joined, _token_id = members.join(_token(members), new_request().request_der)
    session = await fleet.connect(replace(hello("phone"), device_id=joined.device_id))
    await fleet.disconnect(session)
    [device] = list_devices(database, frozenset())
    await fleet.tending.remove(device, OWNER, with_measurements=False)
    with pytest.raises(EdgerankError) as refused:
        members.device_of(joined.certificate_pem.encode())
    assert refused.value.code is ErrorCode.NOT_ALLOWED


def test_only_the_newest_authorities_are_trusted(authorities: Authorities) -> None:
    first = authorities.certificate_pem()
    for _ in range(KEPT - 1):
        authorities.rotate()
    assert first.encode() in authorities.server.trusted
    authorities.rotate()
    assert first.encode() not in authorities.server.trusted
    assert authorities.server.trusted.count(b"BEGIN") == KEPT
    last = authorities.certificate_pem()
    authorities.replace()
    assert last.encode() not in authorities.server.chain


def test_who_renews_without_end_is_known_by_its_last_certificates(
    members: Members, clock: OwnedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_members, "MOST_CERTIFICATES", 2)
    joined, _token_id = members.join(_token(members), new_request().request_der)
    given = [joined]
    for clock.now_ms in (1, 2, 3):
        shown = given[-1].certificate_pem.encode()
        given.append(members.renew(shown, new_request().request_der))
    for each in given[:2]:
        with pytest.raises(EdgerankError, match="revoked"):
            members.device_of(each.certificate_pem.encode())
    for each in given[2:]:
        assert members.device_of(each.certificate_pem.encode()) == joined.device_id


def test_who_was_revoked_or_replaced_while_it_renewed_gets_no_certificate(
    database: Database, members: Members
) -> None:
    joined, _token_id = members.join(_token(members), new_request().request_der)
    revoke_member(database, joined.device_id)
    with pytest.raises(EdgerankError, match="revoked"):
        members.renew(joined.certificate_pem.encode(), new_request().request_der)
    # Nor because somebody else speaks for the device since.
    with database.transaction() as transaction:
        admit(transaction, joined.device_id, {}, 0)
        add_certificate(transaction, joined.device_id, "another", 0, LIFETIME_MS)
    with pytest.raises(EdgerankError, match="revoked"):
        members.renew(joined.certificate_pem.encode(), new_request().request_der)


def test_of_keys_that_are_changed_at_once_none_is_lost(
    authorities: Authorities, tmp_path: Path
) -> None:
    with ThreadPoolExecutor(8) as threads:
        for done in [threads.submit(authorities.rotate) for _ in range(8)]:
            done.result()
    again = Authorities(tmp_path / "access")
    assert again.server.trusted == authorities.server.trusted
    assert again.fingerprint() == authorities.fingerprint()


def test_the_log_of_changes_forgets_the_oldest(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "MAX_ENTRIES", 2)
    for name in ("a", "b", "c"):
        entry = AuditEntry(
            at_unix_ms=0,
            caller=CallerKind.OWNER,
            caller_name="",
            action="RemoveModel",
            subject=name,
        )
        record_change(database, entry)
    assert [entry.subject for entry in list_changes(database, 10)] == ["c", "b"]
