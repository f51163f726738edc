"""The fleet of a deployment, asked at a controller."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from controller.client import AccessClient, QueryClient
from controller.domain.access import JoinTokenSpec
from controller.domain.devices import MOST_EVENTS, Device, DeviceEventKind

_TOKEN_LIFETIME_MS: Final = 3_600_000


class AskedFleet:
    """What a deployment asks, at one controller."""

    def __init__(
        self, queries: QueryClient, access: AccessClient, addresses: tuple[str, ...]
    ) -> None:
        """`addresses` are where boards reach the controller; none means what it says itself."""
        self._queries = queries
        self._access = access
        self._addresses = addresses

    def devices(self) -> Sequence[Device]:
        """Every device that joined."""
        return self._queries.list_devices()

    def came_at_unix_ms(self, device: str) -> int | None:
        """When a device's agent last came, ms since 1970 UTC; None where nobody knows."""
        events = self._queries.list_device_events(device, MOST_EVENTS)
        came = (each for each in events if each.kind is DeviceEventKind.CONNECTED)
        return next((each.at_unix_ms for each in came), None)

    def make_token(self, device: str | None) -> tuple[str, str]:
        """A token by which one device joins, a known one or a new one, and the token's id."""
        spec = JoinTokenSpec(
            lifetime_ms=_TOKEN_LIFETIME_MS,
            uses=1,
            labels={},
            device=device,
            addresses=self._addresses,
        )
        spec.check()
        return self._access.create_join_token(spec)

    def revoke_token(self, token_id: str) -> None:
        """Ends a token."""
        self._access.revoke_join_token(token_id)


@contextmanager
def asked_fleet(controller: str, addresses: tuple[str, ...] = ()) -> Iterator[AskedFleet]:
    """The fleet of the controller at HOST:PORT.

    Raises:
        EdgerankError: UNREACHABLE.
    """
    with QueryClient(controller) as queries, AccessClient(controller) as access:
        yield AskedFleet(queries, access, addresses)
