"""Who signs here: made at the first start, rotated when a person says so."""

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.serialization import Encoding

from controller.access.certificates import (
    Authority,
    Issued,
    member_certificate,
    new_authority,
    server_identity,
)
from controller.domain.errors import EdgerankError, ErrorCode
from controller.state.access.authorities import (
    add_authority,
    keep_newest_authorities,
    load_authorities,
)

KEPT: Final = 3
"""How many sign or have signed and are still trusted. Who missed more rotations joins anew."""


@dataclass(frozen=True)
class ServerIdentity:
    """What the controller shows in a connection, as PEM.

    Attributes:
        key: of this start, or this rotation.
        chain: its certificate, then all that lead to each authority that is trusted.
        trusted: the authorities whose members are let in.
    """

    key: bytes
    chain: bytes
    trusted: bytes


class Authorities:
    """The controller's authorities, the newest of which signs."""

    def __init__(self, folder: Path) -> None:
        """Reads them from their folder, or makes the first one.

        Raises:
            EdgerankError: STORAGE when the folder cannot be read or written, PRECONDITION for a
                file that holds no key.
        """
        self._folder = folder
        # Of two at once, one would take the other's file.
        self._changing = threading.Lock()
        try:
            self._known = list(map(Authority.from_pem, load_authorities(folder)))
        except ValueError as error:
            raise EdgerankError(
                ErrorCode.PRECONDITION,
                f"a key in {folder} is damaged; restore it from a backup, or delete the folder to "
                "make a new one, with which everybody joins anew",
            ) from error
        if not self._known:
            self._add(new_authority(None))
        self.server = self._identity()

    def fingerprint(self) -> bytes:
        """SHA-256 of the certificate of who signs."""
        return self._known[-1].fingerprint()

    def certificate_pem(self) -> str:
        """The certificate of who signs."""
        return self._known[-1].certificate.public_bytes(Encoding.PEM).decode("ascii")

    def issue(self, request_der: bytes, device_id: str, expires_at_unix_ms: int) -> Issued:
        """A member's certificate.

        Raises:
            EdgerankError: INVALID_INPUT for what is no certificate request.
        """
        return member_certificate(self._known[-1], request_der, device_id, expires_at_unix_ms)

    def rotate(self) -> None:
        """Lets a new key sign, which the one before vouches for.

        Raises:
            EdgerankError: STORAGE.
        """
        with self._changing:
            self._add(new_authority(self._known[-1]))
            self._keep(KEPT)

    def replace(self) -> None:
        """Lets a new key sign; none of before is trusted any more.

        Raises:
            EdgerankError: STORAGE.
        """
        with self._changing:
            self._add(new_authority(None))
            self._keep(1)

    def _add(self, authority: Authority) -> None:
        add_authority(self._folder, authority.to_pem())
        self._known.append(authority)

    def _keep(self, count: int) -> None:
        keep_newest_authorities(self._folder, count)
        self._known = self._known[-count:]
        self.server = self._identity()

    def _identity(self) -> ServerIdentity:
        key, certificate = server_identity(self._known[-1])
        newest_first = self._known[::-1]
        # Whoever trusts an earlier one comes from it to the newest by what each signed of the next.
        # Of the oldest that is kept, the one who vouched is gone.
        vouched = [each.by_earlier for each in newest_first[:-1] if each.by_earlier is not None]
        own = [each.certificate for each in newest_first]
        chain = certificate + b"".join(each.public_bytes(Encoding.PEM) for each in (*vouched, *own))
        trusted = b"".join(each.public_bytes(Encoding.PEM) for each in own)
        return ServerIdentity(key, chain, trusted)
