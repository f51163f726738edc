"""What both ends know of each other before they trust each other: the tokens.

A token is words and bytes of 64 letters, so that it is copied whole and no shell takes it apart.
"""

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import Final

SERVER_NAME: Final = "edgerank-controller"
"""Whom every certificate of a controller names: addresses change, and are not who answers there."""

SECRET_BYTES: Final = 32
DIGEST_BYTES: Final = 32

_JOIN: Final = "edgerank-join"
_ACCESS: Final = "edgerank-access"


class TokenInvalid(ValueError):
    """What was given is no such token; the message says what it lacks, and never what it is."""


@dataclass(frozen=True, kw_only=True)
class JoinToken:
    """What lets a device into a fleet.

    Attributes:
        secret: what the controller knows the digest of.
        authority_sha256: digest of the certificate of who signs there.
        addresses: HOST:PORT where the controller takes devices in, the best first.
    """

    secret: bytes
    authority_sha256: bytes
    addresses: tuple[str, ...]

    def __repr__(self) -> str:
        """Without the secret, which would be logged with it."""
        return f"JoinToken(addresses={self.addresses})"

    def spelt(self) -> str:
        """The token as people copy it."""
        addresses = ",".join(self.addresses).encode()
        return ".".join((_JOIN, *map(_letters, (self.secret, self.authority_sha256, addresses))))


@dataclass(frozen=True, kw_only=True)
class AccessToken:
    """What lets a person or a program ask a controller, wherever it is; else as `JoinToken`."""

    secret: bytes
    authority_sha256: bytes

    def __repr__(self) -> str:
        """Without the secret, which would be logged with it."""
        return "AccessToken()"

    def spelt(self) -> str:
        """The token as people copy it."""
        return ".".join((_ACCESS, _letters(self.secret), _letters(self.authority_sha256)))


def parse_join_token(text: str) -> JoinToken:
    """Read what `JoinToken.spelt` wrote; white space around it is nothing.

    Raises:
        TokenInvalid: it is no token of this kind, or only a part of one.
    """
    secret, authority, addresses = _parts(text, _JOIN, 3)
    try:
        listed = tuple(filter(None, addresses.decode("ascii").split(",")))
    except UnicodeDecodeError as error:
        raise TokenInvalid("its addresses cannot be read") from error
    if not listed:
        raise TokenInvalid("it names no address")
    return JoinToken(secret=secret, authority_sha256=authority, addresses=listed)


def parse_access_token(text: str) -> AccessToken:
    """Read what `AccessToken.spelt` wrote; white space around it is nothing.

    Raises:
        TokenInvalid: it is no token of this kind, or only a part of one.
    """
    secret, authority = _parts(text, _ACCESS, 2)
    return AccessToken(secret=secret, authority_sha256=authority)


def secret_digest(secret: bytes) -> str:
    """What is kept of a secret, in lower-case hex: random and long, it needs no salt."""
    return hashlib.sha256(secret).hexdigest()


def bearer_letters(secret: bytes) -> str:
    """What follows Bearer in the metadata `authorization` of a call with an access token."""
    return _letters(secret)


def secret_of_bearer(value: str) -> bytes:
    """The secret of "Bearer" and what `bearer_letters` wrote.

    Raises:
        TokenInvalid: it was written by something else.
    """
    kind, _, letters = value.partition(" ")
    if kind.lower() != "bearer":
        raise TokenInvalid("it does not begin with Bearer")
    return _bytes(letters)


def _parts(text: str, kind: str, count: int) -> list[bytes]:
    first, *rest = text.strip().split(".")
    if first != kind:
        raise TokenInvalid(f"it does not begin with {kind}")
    if len(rest) != count:
        raise TokenInvalid("a part of it is missing")
    parts = [_bytes(letters) for letters in rest]
    if (len(parts[0]), len(parts[1])) != (SECRET_BYTES, DIGEST_BYTES):
        raise TokenInvalid("a part of it is missing")
    return parts


def _letters(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode("ascii")


def _bytes(letters: str) -> bytes:
    try:
        return base64.b64decode(letters + "=" * (-len(letters) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise TokenInvalid("a letter of it is wrong") from error
