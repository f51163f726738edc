"""Who asks, and what they may do."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from controller.domain.errors import EdgerankError, ErrorCode
from protos.names import are_labels, is_name

MAX_USES: Final = 10_000
MAX_LIFETIME_MS: Final = 366 * 24 * 3_600_000
MAX_ADDRESSES: Final = 16


class Scope(Enum):
    """What a person or a program may do."""

    READ = "read"
    OPERATE = "operate"
    MODELS = "models"
    ADMIN = "admin"


_WITH: Final[Mapping[Scope, frozenset[Scope]]] = {
    Scope.READ: frozenset({Scope.READ}),
    Scope.OPERATE: frozenset({Scope.READ, Scope.OPERATE}),
    Scope.MODELS: frozenset({Scope.READ, Scope.MODELS}),
    Scope.ADMIN: frozenset(Scope),
}


class CallerKind(Enum):
    """What somebody is to the controller."""

    OWNER = "owner"
    """Who runs the controller, from the same machine."""
    TOKEN = "token"
    """A person or a program with a token."""
    MEMBER = "member"
    """A device with a certificate."""
    ANYBODY = "anybody"
    """Anybody, where the controller asks nobody who they are."""
    STRANGER = "stranger"
    """Somebody who shows nothing."""
    JOIN_TOKEN = "join_token"
    """A device that joins."""


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who makes a call.

    Attributes:
        caller: what they are to the controller.
        caller_name: of the token, or the id of the device or the join token; empty for others.
        scopes: what they may do, besides what members may.
    """

    caller: CallerKind
    caller_name: str = ""
    scopes: tuple[Scope, ...] = ()

    @property
    def device_id(self) -> str | None:
        """Which device the caller is, where a certificate says so."""
        return self.caller_name if self.caller is CallerKind.MEMBER else None

    @property
    def person(self) -> str:
        """The name of the caller's token; empty where nobody is asked for one."""
        return self.caller_name if self.caller is CallerKind.TOKEN else ""

    @property
    def may_speak_for_devices(self) -> bool:
        """Whether what the caller says of its own identity is taken as it is."""
        return self.caller in (CallerKind.OWNER, CallerKind.ANYBODY)

    def has(self, scope: Scope) -> bool:
        """Whether the caller may do what needs a scope."""
        return any(scope in _WITH[own] for own in self.scopes)


@dataclass(frozen=True, kw_only=True)
class JoinTokenSpec:
    """The join token that a person asks for.

    Attributes:
        lifetime_ms: how long devices may join by it, in milliseconds.
        uses: how many devices may.
        labels: what these get, besides those that they say of themselves.
        device: the name of a device whose history goes on; None makes a new one.
        addresses: HOST:PORT to join at; none means those of the controller's own interfaces.
    """

    lifetime_ms: int
    uses: int = 1
    labels: Mapping[str, str]
    device: str | None = None
    addresses: tuple[str, ...] = ()

    def check(self) -> None:
        """Refuses what cannot hold.

        Raises:
            EdgerankError: INVALID_INPUT.
        """
        if not 0 < self.lifetime_ms <= MAX_LIFETIME_MS:
            raise _invalid("a join token lives for at most 366 days")
        if not 1 <= self.uses <= MAX_USES:
            raise _invalid(f"a join token is for 1 to {MAX_USES} devices")
        if self.device is not None and self.uses != 1:
            raise _invalid("a join token for one device can be used once only")
        if not are_labels(self.labels):
            raise _invalid("its labels cannot be kept: write KEY=VALUE, as in room=lab")
        if len(self.addresses) > MAX_ADDRESSES or not all(map(_is_address, self.addresses)):
            raise _invalid(f"write at most {MAX_ADDRESSES} addresses, each HOST:PORT")


@dataclass(frozen=True, kw_only=True)
class JoinTokenState:
    """A join token that may still be used; what it is made of is not kept."""

    token_id: str
    created_at_unix_ms: int
    expires_at_unix_ms: int
    uses_left: int
    labels: Mapping[str, str]
    device: str | None = None


@dataclass(frozen=True, kw_only=True)
class AccessSpec:
    """The token that somebody asks for, for a person or a program."""

    name: str
    scopes: tuple[Scope, ...]

    def check(self) -> None:
        """Refuses what cannot hold.

        Raises:
            EdgerankError: INVALID_INPUT.
        """
        if not is_name(self.name):
            raise _invalid(
                f"{self.name!a} cannot name a token: a name is 1 to 64 letters, digits, '.', '_' "
                "or '-', and begins with a letter or digit"
            )
        if not self.scopes:
            raise _invalid("a token without a scope may do nothing; give it one")
        if len(set(self.scopes)) < len(self.scopes):
            raise _invalid("a scope is given to a token once; leave the others out")


@dataclass(frozen=True, kw_only=True)
class AccessState:
    """The token of a person or a program; what it is made of is not kept."""

    name: str
    scopes: tuple[Scope, ...]
    created_at_unix_ms: int
    last_used_at_unix_ms: int | None = None


@dataclass(frozen=True, kw_only=True)
class AuditEntry:
    """Something that somebody changed, or was not let change.

    Attributes:
        at_unix_ms: when, ms since 1970 UTC.
        caller: what they are to the controller.
        caller_name: of the token, or the id of the device or the join token; empty for others.
        action: the name of the call, as in StartSweep.
        subject: what was changed: a name or an id; empty where it was refused.
        was_refused: whether the call was refused, for what the caller lacks or holds too much of;
            it changed nothing, and alike ones are told once an hour.
    """

    at_unix_ms: int
    caller: CallerKind
    caller_name: str
    action: str
    subject: str
    was_refused: bool = False


def _is_address(text: str) -> bool:
    host, _, port = text.rpartition(":")
    return (
        bool(host)
        and len(text) <= 300
        and port.isdecimal()
        and 1 <= int(port) <= 65_535
        and not any(letter.isspace() or letter == "," for letter in host)
        and host.isascii()
        and host.isprintable()
    )


def _invalid(sentence: str) -> EdgerankError:
    return EdgerankError(ErrorCode.INVALID_INPUT, sentence)
