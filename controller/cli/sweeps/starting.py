"""Starts a sweep for a person, who is told its id, or how to find it, whatever befalls the call."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console

from controller.cli.printing.telling import print_line
from controller.client import QueryClient
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.sweeps import StartedSweep, SweepSpec

# What a call ends with of which nobody knows how far it came.
_UNKNOWN_ENDS = (ErrorCode.UNREACHABLE, ErrorCode.EXECUTION)


@contextmanager
def findable(console: Console, what: str, shown_by: str, request_id: str) -> Iterator[None]:
    """Tells how to find what the block starts, where nobody knows whether it was started.

    Args:
        console: where a person reads.
        what: is started.
        shown_by: the command that shows it by the id that follows.
        request_id: under which it is asked for.
    """
    try:
        yield
    except (KeyboardInterrupt, EdgerankError) as error:
        if isinstance(error, KeyboardInterrupt) or error.code in _UNKNOWN_ENDS:
            print_line(
                console,
                f"whether the {what} was started is not known here: '{shown_by} {request_id}' "
                f"shows it if it was, 'edgerank cancel {request_id}' ends it",
            )
        raise


def teller_of_loss(client: QueryClient, console: Console, what: str) -> Callable[[], None]:
    """Tells a person that no answer came, and that it is asked again."""

    def tell_lost() -> None:
        print_line(
            console,
            f"no answer came from {client.address} while the {what} was being started; asking "
            "again for the same one",
        )

    return tell_lost


def started_once(client: QueryClient, spec: SweepSpec, console: Console) -> StartedSweep:
    """The sweep, started once though the connection breaks.

    Raises:
        EdgerankError: what the controller said, or UNREACHABLE when it stays away.
    """
    request_id = uuid.uuid4().hex
    with findable(console, "sweep", "edgerank follow", request_id):
        return client.start_sweep(spec, request_id, teller_of_loss(client, console, "sweep"))
