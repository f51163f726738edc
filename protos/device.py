"""Devices: what one is, and its state at one moment."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from protos.runtimes import RuntimeInfo


@dataclass(frozen=True, kw_only=True)
class CoreCluster:
    """Cores that are alike.

    Attributes:
        cpus: numbers of the cores.
        capacity: as the kernel rates one of them, 1024 being the most capable of the device; None
            is unknown.
        max_frequency_khz: highest frequency, kHz; None is unknown.
    """

    cpus: tuple[int, ...]
    capacity: int | None = None
    max_frequency_khz: int | None = None


@dataclass(frozen=True, kw_only=True)
class CpuCache:
    """Caches that are alike.

    Attributes:
        level: 1 is the nearest to the core.
        kind: `data`, `instruction` or `unified`.
        size_bytes: size of one, bytes.
        count: how many there are.
        cpus: cores that have one, alone or shared.
    """

    level: int
    kind: str
    size_bytes: int
    count: int
    cpus: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class DeviceProfile:
    """What a device says of itself; an empty text or 0 is unknown.

    Attributes:
        architecture: as `uname -m` says: `x86_64`, `aarch64`.
        cpu_model: name of the processor.
        logical_cores: number of logical cores.
        memory_bytes: physical memory, bytes.
        kernel: kernel and its release.
        operating_system: name and release.
        hostname: name of the host.
        python_version: of the agent.
        agent_version: of the agent.
        runtimes: those that are installed.
        instruction_sets: CPU flags that decide which kernels a runtime picks.
        soc: the chip, where the device is built on one.
        board: the product.
        clusters: the most capable first; empty where the kernel tells neither capacity nor
            frequency.
        caches: the nearest to the core first.
        android_properties: Android's own properties that tell what the device is.
        container: `docker`, `podman`, `lxc` or what else the agent runs in; empty when none was
            detected.
        virtual_machine: who makes the virtual machine, or `unnamed`; empty when none was detected.
        emulator: `qemu-user`, or `unnamed`, where another CPU computes, so that latencies say
            nothing of this architecture; what its owner calls it where none was detected; empty
            when there is none.
        usable_cpus: numbers of the cores that the agent may use, ascending; empty when it did not
            say.
        cpu_quota_cores: cores' time that a container's or a service's quota leaves the agent: 1.5
            is one and a half cores; None when there is no quota.
        confinement: what the kernel holds measuring processes to: `files` (they read their
            libraries and the artifact, and write nowhere), `network` (they have none), `processes`
            (they start none); empty when it can hold them to nothing, or the agent did not say.
        accelerators: what is there to reach some by: `opencl` where libOpenCL.so is, `nnapi` where
            Android's library is.
    """

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
    cpu_quota_cores: float | None = None
    confinement: tuple[str, ...] = ()
    accelerators: tuple[str, ...] = ()

    @property
    def working_runtimes(self) -> tuple[RuntimeInfo, ...]:
        """The runtimes that did not crash when they were loaded."""
        return tuple(each for each in self.runtimes if not each.last_words)


@dataclass(frozen=True, kw_only=True)
class CpuClock:
    """One core's clock, as sysfs tells it.

    Attributes:
        cpu: number of the core.
        governor: frequency governor; None is unknown.
        frequency_khz: current frequency, kHz; None is unknown.
    """

    cpu: int
    governor: str | None = None
    frequency_khz: int | None = None


@dataclass(frozen=True, kw_only=True)
class Temperature:
    """One thermal zone.

    Attributes:
        zone: name of the zone.
        celsius: degrees Celsius.
    """

    zone: str
    celsius: float


@dataclass(frozen=True, kw_only=True)
class ThrottleCounter:
    """How often something has slowed the device down.

    Attributes:
        name: the counter.
        count: events since some start.
    """

    name: str
    count: int


@dataclass(frozen=True, kw_only=True)
class Battery:
    """The battery that feeds the device.

    Attributes:
        charge_percent: how full it is, percent; None is unknown.
        status: as the kernel says: `Charging`, `Discharging`, `Full`, `Not charging`; empty is
            unknown.
    """

    charge_percent: int | None = None
    status: str = ""

    @property
    def is_charged(self) -> bool:
        """Whether it is being charged, so that what the device takes is hidden."""
        return self.status == "Charging"


@dataclass(frozen=True, kw_only=True)
class PowerReading:
    """What one sensor says of the power that the device, or a part of it, takes.

    Attributes:
        source: the sensor.
        watts: power at this moment, watts; None where it counts energy.
        energy_uj: energy counted since some moment, microjoules; None where it tells power.
    """

    source: str
    watts: float | None = None
    energy_uj: int | None = None


@dataclass(frozen=True, kw_only=True)
class DeviceState:
    """The device at one moment; lists are empty where the kernel tells nothing.

    Attributes:
        taken_at_unix_ms: when it was read, ms since 1970 UTC.
        clocks: those of the cores.
        temperatures: those of the thermal zones.
        load_average: of one minute; None is unknown.
        throttle_counters: what has slowed the device down so far.
        active_limits: what keeps the device slow at this moment: a cooling device's type, or the
            firmware's words.
        battery: None where there is none.
        power: what the sensors of power say.
        measured_cpus: cores that the child computed on for a quarter of the time since the state
            before, or longer; empty but for states taken while it sampled.
        load_by_others: how many cores' time others than the child took since the state before;
            None but for states taken while it sampled, and where the kernel does not tell.
        waiting_share: for how much of the sampling, 0 to 1, the thread of the child that waited
            longest was ready to run while others had its core; only in the state after, None where
            the kernel does not tell.
        quota_period_count: periods that a quota of processor time had so far; None without one.
        quota_throttled_count: of those, in how many the quota ended, so that the agent and its
            children stood still for the rest; None without one.
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
    quota_period_count: int | None = None
    quota_throttled_count: int | None = None
