"""Devices: what one is, and its state at one moment."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from protos.runtimes import RuntimeInfo


@dataclass(frozen=True, kw_only=True)
class CoreCluster:
    """Cores that are alike; a capacity of 1024 is that of the device's most capable core."""

    cpus: tuple[int, ...]
    capacity: int | None = None
    max_frequency_khz: int | None = None


@dataclass(frozen=True, kw_only=True)
class CpuCache:
    """Caches that are alike, and the cores that have one, alone or shared."""

    level: int
    kind: str
    size_bytes: int
    count: int
    cpus: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class DeviceProfile:
    """What a device says of itself; empty or 0 is unknown."""

    architecture: str
    cpu_model: str = ""
    logical_cores: int = 0
    memory_bytes: int = 0
    kernel: str = ""
    operating_system: str = ""
    hostname: str = ""
    python_version: str = ""
    agent_version: str = ""
    runtimes: tuple[RuntimeInfo, ...] = ()
    instruction_sets: tuple[str, ...] = ()
    soc: str = ""
    board: str = ""
    clusters: tuple[CoreCluster, ...] = ()
    caches: tuple[CpuCache, ...] = ()
    android_properties: Mapping[str, str] = field(default_factory=dict)
    container: str = ""
    virtual_machine: str = ""
    emulator: str = ""
    usable_cpus: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CpuClock:
    """One core's clock, as sysfs tells it."""

    cpu: int
    governor: str | None = None
    frequency_khz: int | None = None


@dataclass(frozen=True, kw_only=True)
class Temperature:
    """One thermal zone."""

    zone: str
    celsius: float


@dataclass(frozen=True, kw_only=True)
class ThrottleCounter:
    """How often something has slowed the device down since it started."""

    name: str
    count: int


@dataclass(frozen=True, kw_only=True)
class Battery:
    """How full it is, and what happens to it as the kernel says; an empty status is unknown."""

    charge_percent: int | None = None
    status: str = ""


@dataclass(frozen=True, kw_only=True)
class PowerReading:
    """What one sensor says: watts now, or microjoules counted since some moment."""

    source: str
    watts: float | None = None
    energy_uj: int | None = None


@dataclass(frozen=True, kw_only=True)
class DeviceState:
    """The device at one moment; empty where the kernel tells nothing.

    Attributes:
        active_limits: what keeps the device slow at this moment.
        measured_cpus: cores that the measuring child computed on since the state before; known,
            like the next, only while it samples.
        load_by_others: how many cores' time others than the child took since the state before.
        waiting_share: for how much of the sampling before, 0 to 1, the thread of the child that
            waited longest was ready to run while others had its core.
    """

    taken_at_unix_ms: int
    clocks: tuple[CpuClock, ...] = ()
    temperatures: tuple[Temperature, ...] = ()
    load_average: float | None = None
    throttle_counters: tuple[ThrottleCounter, ...] = ()
    active_limits: tuple[str, ...] = ()
    battery: Battery | None = None
    power: tuple[PowerReading, ...] = ()
    measured_cpus: tuple[int, ...] = ()
    load_by_others: float | None = None
    waiting_share: float | None = None
