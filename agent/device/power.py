"""Battery and power, where the kernel gives them."""

import re
from collections.abc import Iterator
from pathlib import Path

from agent.device.kernel_files import entries, numbered, read_text, read_whole
from protos.device import Battery, PowerReading

# No device with an agent takes more.
_MAX_MICROWATTS = 5_000_000_000
_MAX_ENERGY_UJ = 2**63 - 1
_MAX_MICROAMPERES = 100_000_000
_MAX_MICROVOLTS = 100_000_000
_STATUSES = frozenset({"Charging", "Discharging", "Not charging", "Full"})


def battery(sys_root: Path) -> Battery | None:
    """The first battery that feeds the device, or None."""
    for supply in _batteries(sys_root):
        charge_percent = read_whole(supply / "capacity", 0, 100)
        status = read_text(supply / "status")
        if charge_percent is not None or status in _STATUSES:
            known = status if status and status in _STATUSES else ""
            return Battery(charge_percent=charge_percent, status=known)
    return None


def power_readings(sys_root: Path) -> tuple[PowerReading, ...]:
    """What every meter says: the processor's energy counters, board sensors, the battery."""
    return (*_energy_counters(sys_root), *_sensors(sys_root), *_discharge(sys_root))


def _batteries(sys_root: Path) -> list[Path]:
    supplies = entries(sys_root / "class/power_supply")
    # A mouse's battery is of the scope Device.
    return [
        supply
        for supply in supplies
        if read_text(supply / "type") == "Battery" and read_text(supply / "scope") != "Device"
    ]


def _energy_counters(sys_root: Path) -> Iterator[PowerReading]:
    for zone in entries(sys_root / "class/powercap"):
        energy_uj = read_whole(zone / "energy_uj", 0, _MAX_ENERGY_UJ)
        if energy_uj is not None:
            name = f"{zone.name} {read_text(zone / 'name') or ''}".rstrip()
            yield PowerReading(source=name, energy_uj=energy_uj)


def _sensors(sys_root: Path) -> Iterator[PowerReading]:
    for _, sensor in numbered(sys_root / "class/hwmon", "hwmon"):
        for meter in entries(sensor):
            found = re.fullmatch("(power[0-9]+)_(?:input|average)", meter.name)
            microwatts = read_whole(meter, 1, _MAX_MICROWATTS) if found else None
            if found and microwatts is not None:
                yield PowerReading(source=f"{sensor.name} {found[1]}", watts=microwatts / 1e6)


def _discharge(sys_root: Path) -> Iterator[PowerReading]:
    """What is drawn from a battery while nothing charges it; the sign of the current is no rule."""
    for supply in _batteries(sys_root):
        if read_text(supply / "status") != "Discharging":
            continue
        microwatts = read_whole(supply / "power_now", -_MAX_MICROWATTS, _MAX_MICROWATTS)
        current = read_whole(supply / "current_now", -_MAX_MICROAMPERES, _MAX_MICROAMPERES)
        voltage = read_whole(supply / "voltage_now", 1, _MAX_MICROVOLTS)
        watts = abs(microwatts) / 1e6 if microwatts else None
        if watts is None and current and voltage:
            watts = abs(current) * voltage / 1e12
        if watts is not None:
            yield PowerReading(source=supply.name, watts=watts)
