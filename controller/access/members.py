"""How devices become members, stay members, and stop being ones."""

import uuid
from collections.abc import Callable
from copy import copy
from typing import Final

from cryptography import x509

from controller.access.authorities import Authorities
from controller.access.certificates import Issued, serial_of
from controller.domain.access import Caller, JoinTokenSpec
from controller.domain.devices import Device, DeviceEventKind
from controller.domain.errors import EdgerankError, ErrorCode
from controller.fleet.clock import Clock
from controller.state.access import members
from controller.state.artifacts import was_leased
from controller.state.database import Database, Transaction
from controller.state.devices.events import event_by
from protos.fleet import Membership
from protos.joining import SECRET_BYTES, JoinToken, secret_digest

DEFAULT_LIFETIME_MS: Final = 30 * 24 * 3_600_000
"""Of a member's certificate: a device may be off for so long."""
# A renewal that fails is tried again long before the certificate ends.
_RENEWALS_A_LIFETIME: Final = 3


class Members:
    """The devices that joined by tokens."""

    def __init__(
        self,
        database: Database,
        authorities: Authorities,
        clock: Clock,
        *,
        fleet_port: Callable[[], int],
        lifetime_ms: int,
    ) -> None:
        """`fleet_port` is where members connect, `lifetime_ms` how long a certificate is good."""
        self._database = database
        self._authorities = authorities
        self._clock = clock
        self._fleet_port = fleet_port
        self._lifetime_ms = lifetime_ms

    def within(self, database: Database) -> "Members":
        """The same, by a database that may stand for a part of what is committed together."""
        members = copy(self)
        members._database = database
        return members

    def new_token(
        self,
        spec: JoinTokenSpec,
        secret: bytes,
        device: Device | None,
        addresses: tuple[str, ...],
    ) -> tuple[str, str]:
        """A token by which devices join, and its id; `secret` is random, `device` the spec's.

        Raises:
            EdgerankError: INVALID_INPUT for what cannot hold.
        """
        spec.check()
        assert len(secret) == SECRET_BYTES
        now_unix_ms = self._clock.unix_ms()
        token_id = uuid.uuid4().hex[:8]
        members.add_join_token(
            self._database,
            members.NewJoinToken(
                token_id=token_id,
                secret_sha256=secret_digest(secret),
                created_at_unix_ms=now_unix_ms,
                expires_at_unix_ms=now_unix_ms + spec.lifetime_ms,
                uses_left=spec.uses,
                labels=dict(spec.labels),
                device_id=device.device_id if device else None,
            ),
        )
        token = JoinToken(
            secret=secret,
            authority_sha256=self._authorities.fingerprint(),
            addresses=spec.addresses or addresses,
        )
        return token.spelt(), token_id

    def join(self, secret: bytes, request_der: bytes) -> tuple[Membership, str]:
        """Makes a device a member, a new one unless the token is for one; with the token's id.

        Raises:
            EdgerankError: UNKNOWN_CALLER for a token that is good for nothing, INVALID_INPUT for
                what is no certificate request, with which the token is not used.
        """
        now_unix_ms = self._clock.unix_ms()
        with self._database.transaction() as transaction:
            redeemed = members.redeem(transaction, secret_digest(secret), now_unix_ms)
            if redeemed is None:
                raise EdgerankError(
                    ErrorCode.UNKNOWN_CALLER,
                    "this join token is unknown here, used up, or too old; make another one with "
                    "'edgerank token create'",
                )
            device_id = redeemed.device_id or str(uuid.uuid4())
            earlier_unix_ms = members.last_expiry(transaction, device_id)
            members.admit(transaction, device_id, redeemed.labels, now_unix_ms)
            issued = self._issue(transaction, device_id, request_der, earlier_unix_ms)
        return self._membership(device_id, issued.pem), redeemed.token_id

    def renew(self, certificate_pem: bytes, request_der: bytes) -> Membership:
        """The next certificate of who shows one; that stays good until it ends.

        Raises:
            EdgerankError: as `device_of`, also when it was revoked since the call came; and
                INVALID_INPUT for what is no certificate request.
        """
        with self._database.transaction() as transaction:
            device_id = self._known(transaction, certificate_pem).device_id
            earlier_unix_ms = members.last_expiry(transaction, device_id)
            issued = self._issue(transaction, device_id, request_der, earlier_unix_ms)
        return self._membership(device_id, issued.pem)

    def device_of(self, certificate_pem: bytes) -> str:
        """Which member shows a certificate whose key was proved.

        Raises:
            EdgerankError: NOT_ALLOWED when the certificate was revoked, has ended, or is no one's.
        """
        return self.known(certificate_pem).device_id

    def known(self, certificate_pem: bytes) -> members.KnownCertificate:
        """A member's certificate whose key was proved.

        Raises:
            EdgerankError: as `device_of`.
        """
        with self._database.transaction() as transaction:
            return self._known(transaction, certificate_pem)

    def _known(self, transaction: Transaction, certificate_pem: bytes) -> members.KnownCertificate:
        try:
            serial = serial_of(x509.load_pem_x509_certificate(certificate_pem))
        except ValueError as error:
            raise EdgerankError(
                ErrorCode.INVALID_INPUT, "what was shown is no certificate"
            ) from error
        known = members.find_certificate(transaction, serial)
        if known is None:
            raise EdgerankError(
                ErrorCode.NOT_ALLOWED,
                "the certificate of this device was revoked, or is of another controller; "
                f"{_ADVICE}",
            )
        if known.expires_at_unix_ms <= self._clock.unix_ms():
            raise EdgerankError(ErrorCode.NOT_ALLOWED, CERTIFICATE_ENDED)
        return known

    def is_member(self, device_id: str) -> bool:
        """Whether a device joined by a token."""
        return members.labels_of_member(self._database, device_id) is not None

    def may_fetch(self, device_id: str, sha256: str) -> bool:
        """Whether an artifact was leased to a device."""
        return was_leased(self._database, device_id, sha256)

    def revoke(self, device: Device, by: Caller) -> None:
        """Makes a device's certificates worth nothing; `by` is who wants it.

        Raises:
            EdgerankError: PRECONDITION for one that joined without a certificate.
        """
        told = event_by(by, DeviceEventKind.REVOKED, self._clock.unix_ms())
        if not members.revoke_member(self._database, device.device_id, told):
            raise EdgerankError(
                ErrorCode.PRECONDITION,
                f"{device.name} joined without a certificate, which alone can be revoked: stop "
                "its agent",
            )

    def _issue(
        self, transaction: Transaction, device_id: str, request_der: bytes, earlier_unix_ms: int
    ) -> Issued:
        """A certificate of a device that ends no earlier than the last that it had.

        Whatever this controller's clock says meanwhile: else one that was given while the clock was
        years behind has ended when it is right again.
        """
        now_unix_ms = self._clock.unix_ms()
        ends_unix_ms = max(now_unix_ms + self._lifetime_ms, earlier_unix_ms)
        issued = self._authorities.issue(request_der, device_id, ends_unix_ms)
        members.add_certificate(
            transaction, device_id, issued.serial, now_unix_ms, issued.expires_at_unix_ms
        )
        return issued

    def _membership(self, device_id: str, certificate_pem: bytes) -> Membership:
        return Membership(
            device_id=device_id,
            certificate_pem=certificate_pem.decode("ascii"),
            authority_pem=self._authorities.certificate_pem(),
            fleet_port=self._fleet_port(),
            renew_after_ms=self._lifetime_ms // _RENEWALS_A_LIFETIME,
        )


_ADVICE = (
    "make a token for it with 'edgerank token create --device NAME' and start its agent with that"
)
CERTIFICATE_ENDED: Final = (
    f"the certificate of this device has ended, since it was not renewed in time; {_ADVICE}"
)
