"""The threads that an agent needs, asked for before it needs them."""

import threading
from typing import Final

from agent.errors import AgentError

# Those of gRPC, of asyncio's pool, and one that watches a child.
_LEAST_THREADS: Final = 8


class NoRoom(AgentError):
    """The device does not let the agent start what it needs."""


def check_threads() -> None:
    """Refuse to start where the connection could not: its library aborts without its threads.

    Raises:
        NoRoom: so many threads cannot run at once.
    """
    enough = threading.Event()
    threads = [threading.Thread(target=enough.wait) for _ in range(_LEAST_THREADS)]
    started = []
    try:
        for thread in threads:
            thread.start()
            started.append(thread)
    except RuntimeError as error:
        raise NoRoom(
            f"no more than {len(started)} threads can be started here and the agent needs "
            f"{_LEAST_THREADS}: end other processes, or raise what 'ulimit -u', 'ulimit -d' or the "
            "container allows"
        ) from error
    finally:
        enough.set()
        for thread in started:
            thread.join()
