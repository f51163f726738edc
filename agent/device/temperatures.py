"""How hot the device is, zone by zone, and from where on the kernel slows the processor down."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from agent.device.kernel_files import entries, numbered, read_text, read_whole
from protos.device import Temperature

# A sensor that is off or broken says 0, -274000 or a number without the unit that the kernel
# promises (thousandths of a degree); no working device is colder or hotter than these.
_COLDEST_MILLIDEGREES = -40_000
_HOTTEST_MILLIDEGREES = 150_000
_LEAST_MILLIDEGREES = 1_000
# A limit below this is none: a device in the sun would always be beyond it.
_LOWEST_LIMIT_MILLIDEGREES = 50_000
# Sensors of processors. Others cost more to read than they tell: a solid-state disk's wakes it.
_CPU_SENSORS = frozenset({"coretemp", "k10temp", "zenpower", "via_cputemp", "scpi_sensors"})
# Where the kernel begins to slow down what heats a zone; active ones start fans.
_SLOWING_TRIPS = ("passive", "hot")
# Makers name zones as they like. These tell of a processor's cores or of the chip around them: the
# drivers of hwmon that are read at all, cpu-thermal, soc-thermal, x86_pkg_temp, bigcore0-thermal,
# and BIG, MID and LITTLE of Exynos and Tensor. A bare "soc" is a battery's state of charge.
_OF_PROCESSOR = re.compile(
    "^hwmon|cpu|soc[-_0-9]|core|pkg|package|:(?:big|mid|little)$", re.IGNORECASE
)
# And these of something else, which warms up for reasons of its own or tells a constant.
_OF_OTHERS = re.compile(
    "batt|bms|charg|:socd?$|usb|modem|mdm|pa[-_]?therm|wifi|wlan|wcss|cam|skin|quiet|xo[-_]|pmic|pm[0-9]"
    "|nvme|disk|ssd|lcd|led|flash|display|ambient|gpu|g3d|tpu|npu|dsp|isp|aoss|pch|fan|case",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class Zone:
    """One sensor; None is unknown.

    Attributes:
        temperature: at this moment.
        slowed_from_celsius: from where on the kernel, or the processor itself, slows it down.
    """

    temperature: Temperature
    slowed_from_celsius: float | None = None


def read_zones(sys_root: Path) -> tuple[Zone, ...]:
    """Every thermal zone, and the sensors of processors whose driver makes none."""
    return (*_thermal_zones(sys_root), *_sensors(sys_root))


def too_hot(zones: Iterable[Zone]) -> tuple[str, ...]:
    """The zones from whose temperature on the processor is slowed down, with that temperature."""
    return tuple(
        f"{zone.temperature.zone} at {zone.slowed_from_celsius:g} °C or more"
        for zone in zones
        if zone.slowed_from_celsius is not None
        and zone.temperature.celsius >= zone.slowed_from_celsius
    )


def processor_celsius(temperatures: Sequence[Temperature]) -> float | None:
    """The hottest zone of those that tell of the processor; None where there is none.

    Where no name says that it does, every zone counts that is not known for something else.
    """
    of_processor = [each.celsius for each in temperatures if _OF_PROCESSOR.search(each.zone)]
    unnamed = [each.celsius for each in temperatures if not _OF_OTHERS.search(each.zone)]
    return max(of_processor or unnamed, default=None)


def _thermal_zones(sys_root: Path) -> Iterator[Zone]:
    for _, folder in numbered(sys_root / "class/thermal", "thermal_zone"):
        celsius = _celsius(folder / "temp")
        if celsius is not None:
            kind = read_text(folder / "type")
            # Zones of one kind occur twice; the folder's name tells them apart.
            name = f"{folder.name}:{kind}" if kind else folder.name
            yield Zone(
                temperature=Temperature(zone=name, celsius=celsius),
                slowed_from_celsius=_trip_celsius(folder) if _OF_PROCESSOR.search(name) else None,
            )


def _trip_celsius(folder: Path) -> float | None:
    """The highest trip point that slows down: at lower ones a governor only begins to look."""
    trips = (
        _limit_celsius(folder / place.name.replace("_type", "_temp"))
        for place in entries(folder)
        if re.fullmatch("trip_point_[0-9]+_type", place.name) and read_text(place) in _SLOWING_TRIPS
    )
    return max((trip for trip in trips if trip is not None), default=None)


def _sensors(sys_root: Path) -> Iterator[Zone]:
    for _, folder in numbered(sys_root / "class/hwmon", "hwmon"):
        driver = read_text(folder / "name")
        if driver not in _CPU_SENSORS:
            continue
        for place in entries(folder):
            celsius = _celsius(place) if re.fullmatch("temp[0-9]+_input", place.name) else None
            if celsius is not None:
                at = place.name.removesuffix("_input")
                label = read_text(folder / f"{at}_label")
                name = f"{folder.name}:{driver}:{label or at}"
                yield Zone(
                    temperature=Temperature(zone=name, celsius=celsius),
                    slowed_from_celsius=_limit_celsius(folder / f"{at}_crit"),
                )


def _celsius(path: Path) -> float | None:
    millidegrees = read_whole(path, _COLDEST_MILLIDEGREES, _HOTTEST_MILLIDEGREES)
    if millidegrees is None or abs(millidegrees) < _LEAST_MILLIDEGREES:
        return None
    return millidegrees / 1_000


def _limit_celsius(path: Path) -> float | None:
    millidegrees = read_whole(path, _LOWEST_LIMIT_MILLIDEGREES, _HOTTEST_MILLIDEGREES)
    return None if millidegrees is None else millidegrees / 1_000
