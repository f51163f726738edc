"""What a seed stands for: a small fleet with a sweep, and the faults that befall it. Pure."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

BACKBONES: Final = ("PPLCNet_x0_25", "MobileNetV3_small_x0_35", "ShuffleNetV2_x0_25")
HEARTBEAT_INTERVAL_MS: Final = 500
# Shorter than in life, and longer than a busy machine keeps a process from its core.
LEASE_MS: Final = 6_000
CERTIFICATE_LIFETIME_MS: Final = 15_000
_YEAR_MS: Final = 365 * 24 * 3_600_000


class Stage(Enum):
    """What an agent comes to, and tells before it goes on."""

    CONNECTED = "connected"
    FETCHING = "fetching"
    WAITING = "waiting at the start gate"
    MEASURING = "measuring"
    REPORTING = "having a report"
    KEPT = "having spooled a report"
    COMMITTED = "hearing that a report is committed"


class Kind(Enum):
    """What can befall a fleet."""

    CONTROLLER_KILLED = "controller: SIGKILL"
    CONTROLLER_KILLED_TWICE = "controller: SIGKILL, again while it starts"
    CONTROLLER_TERMINATED = "controller: SIGTERM"
    CONTROLLER_STOPPED = "controller: SIGSTOP and SIGCONT"
    CONTROLLER_STOPPED_LONG = "controller: SIGSTOP for longer than a lease"
    CONTROLLER_DISK_FULL = "controller: no write succeeds for a while"
    CONTROLLER_CLOCK_SET = "controller: SIGKILL, started again years off"
    AGENT_KILLED = "agent: SIGKILL"
    AGENT_TERMINATED = "agent: SIGTERM"
    AGENT_STOPPED = "agent: SIGSTOP and SIGCONT"
    AGENT_STOPPED_LONG = "agent: SIGSTOP for longer than a lease"
    AGENT_DISK_FULL = "agent: no write succeeds for a while"
    AGENT_CLOCK_SET = "agent: clock set by years"
    CHILD_CRASHED = "agent: measuring fails"
    LINK_CUT = "link: cut"
    LINK_CUT_IN_TRANSFER = "link: cut in the middle of a transfer"
    LINK_SLOWED = "link: slowed"
    LINK_HALVED_UP = "link: half-open, nothing reaches the controller"
    LINK_HALVED_DOWN = "link: half-open, nothing reaches the agent"
    REPORT_REPEATED = "reports: sent again, twice and in reversed order"
    REPORT_NOT_FORGOTTEN = "reports: stays in the spool, sent again after a restart"
    OTHER_PROTOCOL = "versions: the device's identity with another protocol"
    NEWER_STRANGER = "versions: a newer agent reports the attempts of others"
    CERTIFICATE_EXPIRED = "certificates: off for longer than its certificate"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing that happens, when an agent comes to a stage for the n-th time.

    Attributes:
        kind: what happens.
        agent: who comes to the stage, and whom it befalls where it is no controller's.
        stage: where; the agent stands still there until it has happened.
        nth: at which of its times, from 1.
        after_ms: how long after it went on; 0 is while it stands still.
        lasts_ms: until it is over, or what ended is started again.
        amount: of which size: bytes until a cut, ms by which a clock is set.
    """

    kind: Kind
    agent: int
    stage: Stage
    nth: int
    after_ms: int = 0
    lasts_ms: int = 0
    amount: int = 0

    def __str__(self) -> str:
        """Write it for a person who replays a seed."""
        when = f"agent {self.agent} {self.stage.value}, time {self.nth}"
        rest = f"after {self.after_ms} ms, for {self.lasts_ms} ms, {self.amount}"
        return f"{self.kind.value}: {when} ({rest})"


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """A fleet, its sweep, and its faults.

    Attributes:
        seed: what it was drawn from.
        agents: how many, each on a device of its own.
        is_secured: whether everything is TLS, and agents join by tokens.
        backbones: what is swept.
        repetitions: the fewest and the most of each job.
        sentinel: whether one is read between.
        faults: in no order: each happens when its agent comes to it.
    """

    seed: int
    agents: int
    is_secured: bool
    backbones: tuple[str, ...]
    repetitions: tuple[int, int]
    sentinel: bool
    faults: tuple[Fault, ...]


# How long each lasts, ms; what is not here is over at once.
_LASTS_MS: Final[Mapping[Kind, tuple[int, int]]] = {
    Kind.CONTROLLER_KILLED: (0, 600),
    Kind.CONTROLLER_KILLED_TWICE: (0, 300),
    Kind.CONTROLLER_TERMINATED: (0, 300),
    Kind.CONTROLLER_STOPPED: (50, 3_000),
    Kind.CONTROLLER_STOPPED_LONG: (LEASE_MS + 500, LEASE_MS + 1_500),
    Kind.CONTROLLER_DISK_FULL: (50, 1_500),
    Kind.CONTROLLER_CLOCK_SET: (0, 300),
    Kind.AGENT_KILLED: (0, 600),
    Kind.AGENT_TERMINATED: (0, 300),
    Kind.AGENT_STOPPED: (50, 2_000),
    Kind.AGENT_STOPPED_LONG: (LEASE_MS + 1_500, LEASE_MS + 2_500),
    Kind.AGENT_DISK_FULL: (50, 1_000),
    Kind.LINK_CUT: (0, 1_000),
    Kind.LINK_SLOWED: (300, 2_000),
    Kind.LINK_HALVED_UP: (200, 2_500),
    Kind.LINK_HALVED_DOWN: (200, 2_500),
    Kind.CERTIFICATE_EXPIRED: (CERTIFICATE_LIFETIME_MS + 500, CERTIFICATE_LIFETIME_MS + 1_500),
}
# How often a schedule may start its controller again: each costs far more than all else of it.
_MOST_STARTS: Final = 2
_STARTS: Final[Mapping[Kind, int]] = {
    Kind.CONTROLLER_KILLED: 1,
    Kind.CONTROLLER_KILLED_TWICE: 2,
    Kind.CONTROLLER_TERMINATED: 1,
    Kind.CONTROLLER_CLOCK_SET: 1,
}
# One of them at most: all wait for it.
_LONG: Final = frozenset(
    {Kind.CONTROLLER_STOPPED_LONG, Kind.AGENT_STOPPED_LONG, Kind.CERTIFICATE_EXPIRED}
)
# Where some happen; others happen anywhere.
_STAGES: Final[Mapping[Kind, tuple[Stage, ...]]] = {
    Kind.CHILD_CRASHED: (Stage.MEASURING,),
    Kind.LINK_CUT_IN_TRANSFER: (Stage.FETCHING,),
    Kind.REPORT_REPEATED: (Stage.KEPT, Stage.COMMITTED),
    Kind.REPORT_NOT_FORGOTTEN: (Stage.COMMITTED,),
    Kind.NEWER_STRANGER: (Stage.KEPT, Stage.COMMITTED),
}
# What is answered to the agent that stands still.
_AT_ONCE: Final = frozenset({Kind.CHILD_CRASHED, Kind.REPORT_NOT_FORGOTTEN, Kind.AGENT_CLOCK_SET})
_SECURED_ONLY: Final = frozenset({Kind.CERTIFICATE_EXPIRED})
# A stranger has no certificate.
_OPEN_ONLY: Final = frozenset({Kind.NEWER_STRANGER})


def draw(seed: int) -> Schedule:
    """The schedule of a seed: the same each time."""
    rng = random.Random(seed)
    agents = rng.randint(1, 3)
    is_secured = rng.random() < 0.25
    fewest = rng.randint(1, 2)
    return Schedule(
        seed=seed,
        agents=agents,
        is_secured=is_secured,
        backbones=tuple(rng.sample(BACKBONES, rng.randint(1, len(BACKBONES)))),
        repetitions=(fewest, rng.randint(fewest, 3)),
        sentinel=rng.random() < 0.2,
        faults=_draw_faults(rng, agents, is_secured),
    )


def _draw_faults(rng: random.Random, agents: int, is_secured: bool) -> tuple[Fault, ...]:
    left_out = _OPEN_ONLY if is_secured else _SECURED_ONLY
    kinds = [kind for kind in Kind if kind not in left_out]
    faults: list[Fault] = []
    starts, has_long = 0, False
    for kind in rng.choices(kinds, k=rng.randint(3, 8)):
        is_long = kind in _LONG
        if starts + _STARTS.get(kind, 0) > _MOST_STARTS or (is_long and has_long):
            continue
        starts, has_long = starts + _STARTS.get(kind, 0), has_long or is_long
        faults.append(_draw_fault(rng, kind, rng.randrange(agents)))
    # TLS asks this machine's clock, which no schedule sets: it would refuse a certificate that a
    # controller gives whose clock is set back, to a device whose last one has ended.
    is_set_back = any(each.kind is Kind.CONTROLLER_CLOCK_SET and each.amount < 0 for each in faults)
    dropped = {Kind.CERTIFICATE_EXPIRED} if is_set_back else set()
    return tuple(fault for fault in faults if fault.kind not in dropped)


def _draw_fault(rng: random.Random, kind: Kind, agent: int) -> Fault:
    stage = rng.choice(_STAGES.get(kind, tuple(Stage)))
    at_once = kind in _AT_ONCE or rng.random() < 0.5
    after_ms = 0 if at_once else rng.randint(1, 80)
    shortest_ms, longest_ms = _LASTS_MS.get(kind, (0, 0))
    amounts = {
        Kind.LINK_CUT_IN_TRANSFER: rng.randrange(1, 300_000),
        Kind.AGENT_CLOCK_SET: rng.randint(-50, 500) * _YEAR_MS,
        Kind.CONTROLLER_CLOCK_SET: rng.randint(-50, 100) * _YEAR_MS,
        # How long after its second start it is killed.
        Kind.CONTROLLER_KILLED_TWICE: rng.randint(1, 500),
    }
    return Fault(
        kind=kind,
        agent=agent,
        stage=stage,
        nth=rng.randint(1, 2 if stage is Stage.CONNECTED else 3),
        after_ms=after_ms,
        lasts_ms=rng.randint(shortest_ms, longest_ms),
        amount=amounts.get(kind, 0),
    )
