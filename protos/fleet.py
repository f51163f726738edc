"""What agents and the controller say to each other on their stream (see protos/v1/fleet.proto)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from protos.device import DeviceProfile
from protos.measuring import MeasureSettings, OperatorTimes, Repetition
from protos.reasons import Reason, ReasonCode, reason
from protos.runtimes import RuntimeInfo

PROTOCOL: Final = 1
"""Which one this version speaks; a side that says none speaks the first."""

REPORT_REFUSED: Final = "report-refused"
"""The feature of an agent that knows `ReportRefused`."""

LEASE_BESIDES: Final = "lease-besides"
"""The feature of an agent that hears a lease beside something else."""

FEATURES: Final = (REPORT_REFUSED, LEASE_BESIDES)
"""What agents of this version know that others of their protocol may not."""

FREE_BESIDES: Final = "free-besides"
"""The feature of a controller that hears beside a report that its agent is free."""

CONTROLLER_FEATURES: Final = (FREE_BESIDES,)
"""What controllers of this version know that others of their protocol may not."""


class Stage(Enum):
    """What an agent does with an attempt now."""

    FETCHING = "fetching"
    MEASURING = "measuring"
    WAITING = "waiting"


def speaks_ours(protocol: int | None) -> bool:
    """Whether the other side, which said so, speaks the protocol that this one does."""
    return (protocol or 1) == PROTOCOL


@dataclass(frozen=True, kw_only=True)
class Hello:
    """An agent's first message.

    Attributes:
        run_id: made anew at each start of the agent; empty where it does not say.
        replace: whether it asks for the place of who has the name.
        features: what it knows that others of its protocol may not, by name; names that nobody
            here knows are passed over.
    """

    device_id: str
    name: str
    labels: Mapping[str, str]
    profile: DeviceProfile
    held_attempt_ids: tuple[str, ...] = ()
    protocol: int | None = None
    run_id: str = ""
    replace: bool = False
    features: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Lease:
    """One attempt at one repetition of a job, given to one agent.

    Attributes:
        attempt_id: unique id.
        job_id: the job's.
        artifact_sha256: digest of the artifact, lower-case hex.
        artifact_size_bytes: its size, bytes.
        backbone: its name.
        settings: how it is measured.
        ordinal: which of its job's repetitions, from 0.
        process_spread: standard deviation between the medians of processes on the device, relative:
            0.02 is 2 %; 0 is unknown, or no matter where the job has no other process.
        reference_sha256: digest of what its outputs are compared with, lower-case hex; empty where
            they are not. It is fetched as the artifact is.
        reference_size_bytes: size of the same, bytes.
        trace_context: of which trace it is a part, as W3C's traceparent; empty for none.
    """

    attempt_id: str
    job_id: str
    artifact_sha256: str
    artifact_size_bytes: int
    backbone: str
    settings: MeasureSettings
    ordinal: int
    process_spread: float = 0.0
    reference_sha256: str = ""
    reference_size_bytes: int = 0
    trace_context: str = ""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """An attempt that gave samples."""

    runtime: RuntimeInfo
    repetition: Repetition
    affinity: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Profiled:
    """An attempt that profiled; `trace_gzip` is the runtime's own trace, compressed."""

    runtime: RuntimeInfo
    times: OperatorTimes
    trace_gzip: bytes
    affinity: tuple[int, ...] = ()
    started_unready: Reason | None = None


@dataclass(frozen=True, kw_only=True)
class Failure:
    """An attempt that gave none; `reasons` begin with what happened, see `ReasonCode`."""

    reasons: tuple[Reason, ...]

    @property
    def code(self) -> ReasonCode:
        """What happened."""
        return self.reasons[0].code


def failed(code: ReasonCode, detail: str) -> Failure:
    """Make a failure of what happened, and what the child or a tool said of it."""
    return Failure(reasons=(reason(code, {"detail": detail}),))


@dataclass(frozen=True, kw_only=True)
class Report:
    """How an attempt ended; exactly one of its three outcomes is there.

    `waited_ms` is how long its start waited for the device to be ready.
    """

    attempt_id: str
    job_id: str
    started_at_unix_ms: int
    ended_at_unix_ms: int
    measured: Measured | None = None
    failure: Failure | None = None
    profiled: Profiled | None = None
    waited_ms: int = 0


@dataclass(frozen=True, kw_only=True)
class Heartbeat:
    """A sign of life, and of the attempts that the agent holds."""

    held_attempt_ids: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Ready:
    """The agent is free for a lease."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far an attempt is."""

    attempt_id: str
    stage: Stage
    waiting_for: Reason | None = None


@dataclass(frozen=True, kw_only=True)
class Welcome:
    """The answer to Hello.

    Attributes:
        heartbeat_interval_ms: how often the agent gives a sign of life, ms.
        protocol: which the controller speaks.
        redial_spread_ms: over how long the fleet spreads its dials once its streams broke, ms.
        features: as those of `Hello`, of the controller.
    """

    heartbeat_interval_ms: int
    protocol: int | None = None
    redial_spread_ms: int = 0
    features: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class InLine:
    """Others are welcomed first; the agent's turn comes in about `wait_ms`, on the same stream."""

    wait_ms: int


@dataclass(frozen=True, kw_only=True)
class SlowDown:
    """The fleet has grown: what holds in the place of what Welcome told."""

    heartbeat_interval_ms: int
    redial_spread_ms: int


@dataclass(frozen=True, kw_only=True)
class ReportCommitted:
    """The agent may forget its report."""

    attempt_id: str


@dataclass(frozen=True, kw_only=True)
class ReportRefused:
    """The agent is to set its report aside: the controller never takes it; `why` is for its log."""

    attempt_id: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Cancel:
    """The agent is to stop an attempt."""

    attempt_id: str


@dataclass(frozen=True, kw_only=True)
class GiveBack:
    """The agent ends, or may not fetch: there is no figure, and the turn is another attempt's."""

    attempt_id: str


@dataclass(frozen=True, kw_only=True)
class CertificateDue:
    """Who signs is another now: the agent is to renew its certificate."""


@dataclass(frozen=True, kw_only=True)
class Membership:
    """What makes a device a member.

    Attributes:
        device_id: the subject of its certificate.
        certificate_pem: its certificate.
        authority_pem: of who signs the controller's certificate from now on.
        fleet_port: where members connect, on the host where the device joined.
        renew_after_ms: when to renew, counted from when this came: no clock of the device is asked.
    """

    device_id: str
    certificate_pem: str
    authority_pem: str
    fleet_port: int
    renew_after_ms: int


FromAgent = Hello | Heartbeat | Ready | Progress | Report | GiveBack
ToAgent = (
    Welcome | InLine | SlowDown | Lease | ReportCommitted | ReportRefused | Cancel | CertificateDue
)
