"""When an agent beats and when it dials again, at random, at the pace that its controller tells."""

import random
from typing import Final

from protos.fleet import SlowDown, Welcome

# Whatever the controller asks for, heartbeats do not disturb a measurement.
_SHORTEST_INTERVAL_S: Final = 0.05
# Whatever it asks for, it is dialled again before leases have ended.
_LONGEST_SPREAD_S: Final = 120.0
# A controller that takes and drops connections at once is dialled no faster than this.
_SHORTEST_REST_S: Final = 0.2


class Rhythm:
    """The pace of one agent.

    Attributes:
        interval_s: from one beat to the next, s.
        spread_s: over how long the fleet spreads its dials once its streams broke, s.
    """

    def __init__(self) -> None:
        self.interval_s = _SHORTEST_INTERVAL_S
        self.spread_s = 0.0

    def follow(self, told: Welcome | SlowDown) -> None:
        """Takes up the pace that the controller told."""
        self.interval_s = max(told.heartbeat_interval_ms / 1_000, _SHORTEST_INTERVAL_S)
        self.spread_s = min(told.redial_spread_ms / 1_000, _LONGEST_SPREAD_S)

    def first_beat_s(self) -> float:
        """After which time the first beat follows Welcome, s.

        Agents that were welcomed at once beat at different moments from then on.
        """
        return random.uniform(0, self.interval_s)

    def moment_s(self) -> float:
        """After which time this agent does what the whole fleet is to do now, s."""
        return random.uniform(0, self.spread_s)

    def rest_s(self) -> float:
        """For how long a stream that broke is not dialled again, s."""
        return _SHORTEST_REST_S + self.moment_s()
