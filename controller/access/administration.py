"""What who runs a controller does about who may do what."""

from collections.abc import Callable
from typing import Final

from controller.access.authorities import Authorities
from controller.access.members import Members
from controller.domain.access import (
    AccessSpec,
    AccessState,
    AuditEntry,
    Caller,
    JoinTokenSpec,
    JoinTokenState,
)
from controller.domain.devices import Device
from controller.domain.errors import EdgerankError, ErrorCode
from controller.fleet.clock import Clock
from controller.state.access import audit, members, tokens
from controller.state.database import Database
from protos.joining import AccessToken, secret_digest

MAX_AUDIT_ENTRIES: Final = 10_000


class Administration:
    """Tokens, members and authorities of one controller."""

    def __init__(
        self,
        database: Database,
        authorities: Authorities,
        members: Members,
        clock: Clock,
        *,
        addresses: Callable[[], tuple[str, ...]],
        on_rotated: Callable[[], None],
    ) -> None:
        """`addresses` are those, HOST:PORT, where devices can join; none without TLS.

        `on_rotated` is called when another key signs.
        """
        self._database = database
        self._authorities = authorities
        self._members = members
        self._clock = clock
        self._addresses = addresses
        self._on_rotated = on_rotated

    def new_join_token(
        self, spec: JoinTokenSpec, secret: bytes, device: Device | None
    ) -> tuple[str, str]:
        """A token by which devices join, and its id; `device` is the spec's.

        Raises:
            EdgerankError: INVALID_INPUT for what cannot hold, PRECONDITION without TLS.
        """
        return self._members.new_token(spec, secret, device, self._encrypted_addresses())

    def join_tokens(self) -> tuple[JoinTokenState, ...]:
        """The join tokens that may still be used."""
        return members.list_join_tokens(self._database, self._clock.unix_ms())

    def revoke_join_token(self, token_id: str) -> None:
        """Ends a join token.

        Raises:
            EdgerankError: UNKNOWN_NAME.
        """
        if not members.forget_join_token(self._database, token_id):
            raise _unknown(f"no join token has the id {token_id[:40]!a}")

    def new_access(self, spec: AccessSpec, secret: bytes) -> str:
        """A token for a person or a program; `secret` is random.

        Raises:
            EdgerankError: INVALID_INPUT, NAME_TAKEN, PRECONDITION without TLS.
        """
        spec.check()
        self._encrypted_addresses()
        now_unix_ms = self._clock.unix_ms()
        tokens.add_access(self._database, spec, secret_digest(secret), now_unix_ms)
        return AccessToken(secret=secret, authority_sha256=self._authorities.fingerprint()).spelt()

    def access(self) -> tuple[AccessState, ...]:
        """Every token of people and programs, by name."""
        return tokens.list_access(self._database)

    def revoke_access(self, name: str) -> None:
        """Ends a token of a person or a program.

        Raises:
            EdgerankError: UNKNOWN_NAME.
        """
        if not tokens.forget_access(self._database, name):
            raise _unknown(f"no token is named {name[:80]!a}")

    def revoke_device(self, device: Device, by: Caller) -> None:
        """Makes a device's certificates worth nothing; `by` is who wants it.

        Raises:
            EdgerankError: PRECONDITION for one that joined without a certificate.
        """
        self._members.revoke(device, by)

    def authority_sha256(self) -> str:
        """The digest of who signs, in lower-case hex."""
        return self._authorities.fingerprint().hex()

    def rotate_authority(self) -> None:
        """Lets a new key sign; what was signed until now stays good.

        Raises:
            EdgerankError: STORAGE.
        """
        self._authorities.rotate()
        self._on_rotated()

    def replace_authority(self) -> None:
        """Lets a new key sign; every certificate and token of before is worth nothing.

        Raises:
            EdgerankError: STORAGE.
        """
        self._authorities.replace()
        members.revoke_everybody(self._database)
        tokens.forget_all_access(self._database)
        self._on_rotated()

    def changes(self, count: int) -> tuple[AuditEntry, ...]:
        """At most so many changes, the newest first."""
        return audit.list_changes(self._database, min(count, MAX_AUDIT_ENTRIES))

    def _encrypted_addresses(self) -> tuple[str, ...]:
        addresses = self._addresses()
        if not addresses:
            raise EdgerankError(
                ErrorCode.PRECONDITION,
                "this controller speaks no TLS, and tokens are for what is encrypted; start it on "
                "an address of the network, as with 'edgerank controller --host 0.0.0.0'",
            )
        return addresses


def _unknown(sentence: str) -> EdgerankError:
    return EdgerankError(ErrorCode.UNKNOWN_NAME, f"{sentence}; list them first")
