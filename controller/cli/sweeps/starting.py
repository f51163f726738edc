"""Starts a sweep for a person, who is told its id, or how to find it, whatever befalls the call."""

import uuid

from rich.console import Console

from controller.cli.printing.telling import print_line
from controller.client import QueryClient
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.sweeps import StartedSweep, SweepSpec

# What a call ends with of which nobody knows how far it came.
_UNKNOWN_ENDS = (ErrorCode.UNREACHABLE, ErrorCode.EXECUTION)


def started_once(client: QueryClient, spec: SweepSpec, console: Console) -> StartedSweep:
    """The sweep, started once though the connection breaks.

    Raises:
        EdgerankError: what the controller said, or UNREACHABLE when it stays away.
    """
    request_id = uuid.uuid4().hex

    def tell_lost() -> None:
        print_line(
            console,
            f"no answer came from {client.address} while the sweep was being started; asking again "
            "for the same one",
        )

    try:
        return client.start_sweep(spec, request_id, tell_lost)
    except KeyboardInterrupt:
        _tell_how_to_find(console, request_id)
        raise
    except EdgerankError as error:
        if error.code in _UNKNOWN_ENDS:
            _tell_how_to_find(console, request_id)
        raise


def _tell_how_to_find(console: Console, request_id: str) -> None:
    print_line(
        console,
        f"whether the sweep was started is not known here: 'edgerank follow {request_id}' shows "
        f"it if it was, 'edgerank cancel {request_id}' ends it",
    )
