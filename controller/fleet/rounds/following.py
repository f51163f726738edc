"""Lets races go on beside what agents say: what follows on a round takes seconds to tell."""

import asyncio
from collections.abc import Callable, Iterable, Mapping

from controller.domain.errors import EdgerankError
from controller.fleet.clock import Clock
from controller.fleet.rounds.settling import follow_race
from controller.state.database import Database
from controller.state.rounds.courses import Place
from protos.log_lines import event_log

log = event_log(__name__)


class Races:
    """Follows races whose round is over, one after another, in a thread beside the commits."""

    def __init__(
        self, database: Database, clock: Clock, on_followed: Callable[[str], None]
    ) -> None:
        """`on_followed` is told the id of a device that may have something to measure now."""
        self._database = database
        self._clock = clock
        self._on_followed = on_followed
        self._due: set[Place] = set()
        self._task: asyncio.Task[None] | None = None

    def soon(self, places: Iterable[Place] = ()) -> None:
        """Follows these, and those that could not be followed before; nobody waits for it.

        Where no round of a race is over nothing follows.
        """
        self._due.update(places)
        if self._due and (self._task is None or self._task.done()):
            self._task = asyncio.get_running_loop().create_task(self._follow())

    async def rest(self) -> None:
        """Returns when nothing is followed; what failed meanwhile waits for the next `soon`."""
        if self._task is not None:
            await asyncio.wait([self._task])

    async def _follow(self) -> None:
        failed: set[Place] = set()
        while self._due:
            place = self._due.pop()
            now_unix_ms = self._clock.unix_ms()
            try:
                await asyncio.to_thread(follow_race, self._database, place, now_unix_ms)
            except EdgerankError as error:
                log.error("a race cannot go on now; tried again", **_told(place), error=error)
                failed.add(place)
            except Exception:
                # The edge where a defect of ours holds one race up, which a person can cancel.
                log.exception("a race cannot go on; tried again", **_told(place))
                failed.add(place)
            else:
                self._on_followed(place.device_id)
        self._due.update(failed)


def _told(place: Place) -> Mapping[str, str]:
    return {"sweep": place.sweep_id, "device_id": place.device_id}
