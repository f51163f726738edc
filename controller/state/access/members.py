"""Members, their certificates, and the tokens by which they join."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, delete, func, insert, select, update

from controller.domain.access import JoinTokenState
from controller.domain.devices import DeviceEvent
from controller.state.access.schema import certificates, join_tokens, members
from controller.state.database import Database, Transaction
from controller.state.devices.events import add_event
from controller.state.schema import devices

# What each agent that comes asks for is put together once.
_OF_SERIAL = select(certificates).where(certificates.c.serial == bindparam("of_serial"))
_LABELS = select(members.c.device_id, members.c.labels).where(
    members.c.device_id.in_(bindparam("of_devices", expanding=True))
)

MOST_ENDED: Final = 1_000
"""How many join tokens are kept that have ended by the clock."""
MOST_CERTIFICATES: Final = 32
"""Of one member; one that renews in time has three or four."""


@dataclass(frozen=True, kw_only=True)
class NewJoinToken:
    """A join token as it is kept."""

    token_id: str
    secret_sha256: str
    created_at_unix_ms: int
    expires_at_unix_ms: int
    uses_left: int
    labels: Mapping[str, str]
    device_id: str | None


@dataclass(frozen=True, kw_only=True)
class Redeemed:
    """What a token that was used is good for."""

    token_id: str
    labels: Mapping[str, str]
    device_id: str | None


@dataclass(frozen=True, kw_only=True)
class KnownCertificate:
    """A certificate that was not revoked."""

    device_id: str
    expires_at_unix_ms: int


def add_join_token(database: Database, token: NewJoinToken) -> None:
    """Remembers a join token, and forgets those that are used up.

    Those that have ended are good again where the clock was years ahead, and stay as long as they
    are not too many.
    """
    ended = (
        select(join_tokens.c.token_id)
        .where(join_tokens.c.expires_at_unix_ms <= token.created_at_unix_ms)
        .order_by(join_tokens.c.expires_at_unix_ms.desc())
        .offset(MOST_ENDED)
    )
    useless = (join_tokens.c.uses_left <= 0) | join_tokens.c.token_id.in_(ended)
    with database.transaction() as transaction:
        transaction.execute(delete(join_tokens).where(useless))
        transaction.execute(insert(join_tokens).values(vars(token)))


def list_join_tokens(database: Database, now_unix_ms: int) -> tuple[JoinTokenState, ...]:
    """The join tokens that may still be used, the oldest first."""
    usable = (
        select(join_tokens, devices.c.name.label("device"))
        .outerjoin(devices, devices.c.device_id == join_tokens.c.device_id)
        .where(join_tokens.c.uses_left > 0, join_tokens.c.expires_at_unix_ms > now_unix_ms)
        .order_by(join_tokens.c.created_at_unix_ms)
    )
    with database.transaction() as transaction:
        return tuple(
            JoinTokenState(
                token_id=row["token_id"],
                created_at_unix_ms=row["created_at_unix_ms"],
                expires_at_unix_ms=row["expires_at_unix_ms"],
                uses_left=row["uses_left"],
                labels=row["labels"],
                device=row["device"],
            )
            for row in transaction.execute(usable).mappings()
        )


def forget_join_token(database: Database, token_id: str) -> bool:
    """Ends a join token; False when there is none of this id."""
    with database.transaction() as transaction:
        gone = transaction.execute(delete(join_tokens).where(join_tokens.c.token_id == token_id))
    return gone.rowcount > 0


def redeem(transaction: Transaction, secret_sha256: str, now_unix_ms: int) -> Redeemed | None:
    """Uses a join token once; None when it is unknown, too old or used up."""
    used = transaction.execute(
        update(join_tokens)
        .where(
            join_tokens.c.secret_sha256 == secret_sha256,
            join_tokens.c.uses_left > 0,
            join_tokens.c.expires_at_unix_ms > now_unix_ms,
        )
        .values(uses_left=join_tokens.c.uses_left - 1)
    )
    if used.rowcount == 0:
        return None
    row = transaction.execute(
        select(join_tokens).where(join_tokens.c.secret_sha256 == secret_sha256)
    ).one()
    return Redeemed(token_id=row.token_id, labels=row.labels, device_id=row.device_id)


def admit(
    transaction: Transaction, device_id: str, labels: Mapping[str, str], now_unix_ms: int
) -> None:
    """Makes a device a member; certificates that it had before are worth nothing from here on."""
    transaction.execute(delete(certificates).where(certificates.c.device_id == device_id))
    transaction.execute(delete(members).where(members.c.device_id == device_id))
    transaction.execute(
        insert(members).values(
            device_id=device_id, labels=dict(labels), joined_at_unix_ms=now_unix_ms
        )
    )


def add_certificate(
    transaction: Transaction,
    device_id: str,
    serial: str,
    issued_at_unix_ms: int,
    expires_at_unix_ms: int,
) -> None:
    """Remembers a member's certificate, and forgets those of this member that have ended.

    And those that are too many; the ones that end last stay. Those of others stay: a clock that is
    years ahead would end all of them.
    """
    surplus = (
        select(certificates.c.serial)
        .where(certificates.c.device_id == device_id)
        .order_by(certificates.c.expires_at_unix_ms.desc(), certificates.c.issued_at_unix_ms.desc())
        .offset(MOST_CERTIFICATES - 1)
    )
    has_ended = certificates.c.expires_at_unix_ms <= issued_at_unix_ms
    transaction.execute(
        delete(certificates).where(
            certificates.c.device_id == device_id,
            has_ended | certificates.c.serial.in_(surplus),
        )
    )
    transaction.execute(
        insert(certificates).values(
            serial=serial,
            device_id=device_id,
            issued_at_unix_ms=issued_at_unix_ms,
            expires_at_unix_ms=expires_at_unix_ms,
        )
    )


def find_certificate(transaction: Transaction, serial: str) -> KnownCertificate | None:
    """The certificate of this number; None when it was revoked, or never was."""
    row = transaction.execute(_OF_SERIAL, {"of_serial": serial}).one_or_none()
    if row is None:
        return None
    return KnownCertificate(device_id=row.device_id, expires_at_unix_ms=row.expires_at_unix_ms)


def last_expiry(transaction: Transaction, device_id: str) -> int:
    """When the last of a member's certificates ends, ms since 1970 UTC; 0 where it has none."""
    latest = select(func.max(certificates.c.expires_at_unix_ms)).where(
        certificates.c.device_id == device_id
    )
    return transaction.scalars(latest).one() or 0


def labels_of_member(database: Database, device_id: str) -> Mapping[str, str] | None:
    """The labels that a device's token gave it; None for one that joined by no token."""
    with database.transaction() as transaction:
        return labels_of_members(transaction, [device_id]).get(device_id)


def labels_of_members(
    transaction: Transaction, device_ids: Sequence[str]
) -> Mapping[str, Mapping[str, str]]:
    """The labels that devices' tokens gave them, of those that joined by one."""
    return dict(transaction.execute(_LABELS, {"of_devices": device_ids}).tuples().all())


def revoke_member(database: Database, device_id: str, told: DeviceEvent | None = None) -> bool:
    """Ends every certificate of a device; False when it is no member.

    `told` is of its history, for one that is in the fleet.
    """
    with database.transaction() as transaction:
        transaction.execute(delete(certificates).where(certificates.c.device_id == device_id))
        # It stays one, so that nobody without a certificate speaks for it.
        known = transaction.execute(
            update(members).where(members.c.device_id == device_id).values(is_revoked=True)
        )
        if known.rowcount and told is not None:
            add_event(transaction, device_id, told)
    return known.rowcount > 0


def revoke_everybody(database: Database) -> None:
    """Ends every certificate and every join token."""
    with database.transaction() as transaction:
        transaction.execute(delete(certificates))
        transaction.execute(delete(join_tokens))
