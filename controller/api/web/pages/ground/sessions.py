"""Who is signed in: sessions that a cookie names, each of which holds the token that was shown.

The token is looked up again for every request, so that a revoked one ends its sessions at once.
Sessions are kept in memory: whoever starts the controller anew signs everybody out.
"""

import hashlib
import hmac
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from controller.access.authorities import Authorities
from controller.fleet.clock import Clock

_COOKIE: Final = "edgerank-session"
_LETTERS: Final = 12
LIFETIME_MS: Final = 12 * 3_600_000
_MOST: Final = 1_000
# Else whoever signs in again and again would sign everybody else out.
_MOST_OF_ONE: Final = 32


@dataclass(frozen=True)
class Session:
    """Somebody who is signed in.

    Attributes:
        authorization: what a program would send as the header of this name.
        ends_at_ms: when it ends, by the monotonic clock, ms.
    """

    authorization: str
    ends_at_ms: float


class Sessions:
    """Everybody who is signed in.

    Attributes:
        cookie: the name of the cookie that names a session.
    """

    def __init__(self, clock: Clock, authorities: Authorities | None) -> None:
        """Who signs for the controller tells it from others on its host; None without TLS."""
        identity = None if authorities is None else authorities.fingerprint().hex()
        name = f"{_COOKIE}-{(identity or secrets.token_hex())[:_LETTERS]}"
        # Browsers keep cookies by host, whatever the port; with this beginning they refuse one
        # that came without TLS or from another host of the same domain.
        self.cookie: Final = name if identity is None else f"__Host-{name}"
        self._clock = clock
        self._secret = secrets.token_bytes(32)
        self._known: OrderedDict[str, Session] = OrderedDict()

    def open(self, authorization: str) -> str:
        """Begin a session; gives what the cookie holds. Of many of one token the oldest ends."""
        own = [key for key, each in self._known.items() if each.authorization == authorization]
        for key in own[: max(0, len(own) + 1 - _MOST_OF_ONE)]:
            self.close(key)
        key = secrets.token_urlsafe(32)
        self._known[key] = Session(authorization, self._clock.monotonic_ms() + LIFETIME_MS)
        if len(self._known) > _MOST:
            self._known.popitem(last=False)
        return key

    def find(self, key: str) -> Session | None:
        """The session that a cookie names, unless it ended."""
        session = self._known.get(key)
        if session is not None and session.ends_at_ms <= self._clock.monotonic_ms():
            self.close(key)
            return None
        return session

    def close(self, key: str) -> None:
        """End a session; nothing where there is none."""
        self._known.pop(key, None)

    def form_token(self, key: str) -> str:
        """What forms of a session hold, so that no page of another site can send one."""
        return hmac.new(self._secret, key.encode(), hashlib.sha256).hexdigest()
