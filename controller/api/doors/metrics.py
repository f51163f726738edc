"""Where the metrics are read, over plain HTTP and without a question: on loopback, unless told."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry, start_http_server

from controller.api.doors import is_loopback
from controller.domain.errors import EdgerankError, ErrorCode

_PLACE: Final = re.compile(r"(?:(?P<host>\[[^\]]+\]|[^:\s]+):)?(?P<port>\d{1,5})")


@dataclass(frozen=True, kw_only=True)
class MetricsPlace:
    """Where a person wants the metrics.

    Attributes:
        host: an address of this machine.
        port: 0 takes any free one.
    """

    host: str
    port: int

    @classmethod
    def parse(cls, text: str, *, open_to_all: bool) -> "MetricsPlace":
        """Of [HOST:]PORT; loopback without a host, and no other unless it is open to all.

        Raises:
            EdgerankError: INVALID_INPUT for what is no such place.
        """
        found = _PLACE.fullmatch(text)
        if found is None or int(found["port"]) > 65_535:
            raise EdgerankError(
                ErrorCode.INVALID_INPUT,
                f"{text!a} is no place for metrics; write PORT or HOST:PORT, as in 9187",
            )
        host = (found["host"] or "127.0.0.1").strip("[]")
        if not open_to_all and not is_loopback(host):
            raise EdgerankError(
                ErrorCode.INVALID_INPUT,
                f"whoever reaches {host} would read the metrics, which are neither encrypted nor "
                "asked for with a token; name a loopback address, or say --metrics-insecure",
            )
        return cls(host=host, port=int(found["port"]))


@contextmanager
def served_metrics(place: MetricsPlace | None, registry: CollectorRegistry) -> Iterator[str | None]:
    """Answers scrapes in threads of its own until the block ends; gives the address, if any.

    Raises:
        EdgerankError: UNREACHABLE when the port is taken or the address is not this machine's.
    """
    if place is None:
        yield None
        return
    try:
        server, thread = start_http_server(place.port, place.host, registry)
    except (OSError, OverflowError) as error:
        raise EdgerankError(
            ErrorCode.UNREACHABLE,
            f"cannot serve metrics on {place.host}:{place.port}: the port is taken or the address "
            "is not this machine's; choose another port (0 takes any free one) or host",
        ) from error
    host = f"[{place.host}]" if ":" in place.host else place.host
    try:
        yield f"http://{host}:{server.server_port}/metrics"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
