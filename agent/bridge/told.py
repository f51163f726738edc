"""What a phone prints, read into the files that its kernel would have: pure functions of text."""

import re
from collections.abc import Iterable, Mapping

# Of BatteryManager.
_STATUSES = {"2": "Charging", "3": "Discharging", "4": "Not charging", "5": "Full"}
# Nothing else is asked for, whatever a phone prints.
_PATH = re.compile(r"/(?:proc|sys|etc)(?:/[A-Za-z0-9_.@+,=-]{1,128}){1,16}")
_BATTERY = "sys/class/power_supply/battery"
_THERMAL = "sys/class/thermal"
# Of the runner, whose number is another one each time.
_TEMPERATURE = re.compile(r"mValue=(-?[0-9]+(?:\.[0-9]+)?), mType=[0-9-]+, mName=([^,}]+)")
_OF_RUNNER = re.compile(r"^proc/[0-9]+/task/")
RUNNER = "proc/runner"
"""Where the mirror has the processes' folder of the runner that runs."""


def files_of_lines(text: str) -> dict[str, str]:
    """The files that `grep -H '' FILE...` printed, by path without the first slash."""
    files: dict[str, list[str]] = {}
    for line in text.splitlines():
        path, colon, rest = line.partition(":")
        if colon and _PATH.fullmatch(path) and ".." not in path:
            files.setdefault(path.removeprefix("/"), []).append(rest)
    return {
        _OF_RUNNER.sub(f"{RUNNER}/task/", path): "".join(f"{line}\n" for line in lines)
        for path, lines in files.items()
    }


def properties_file(printed: str) -> str:
    """What `getprop` printed, as the file that its readers know."""
    found = re.findall(r"^\[([^\]]+)\]: \[(.*)\]$", printed, re.MULTILINE)
    return "".join(f"{name}={value}\n" for name, value in found)


def battery_files(dumped: str) -> dict[str, str]:
    """What `dumpsys battery` tells, as files of the kernel's power supplies; empty without one."""
    told = dict(re.findall(r"^\s+([A-Za-z ]+): (\S+)$", dumped, re.MULTILINE))
    if told.get("present") != "true" or "level" not in told:
        return {}
    files = {"type": "Battery", "capacity": told["level"]}
    status = _STATUSES.get(told.get("status", ""))
    if status:
        files["status"] = status
    return {f"{_BATTERY}/{name}": f"{value}\n" for name, value in files.items()}


def thermal_files(dumped: str) -> dict[str, str]:
    """What `dumpsys thermalservice` tells of now, as files of the kernel's thermal zones."""
    _, _, current = dumped.partition("Current temperatures from HAL:")
    found = _TEMPERATURE.findall(_of_block(current))
    files = {}
    for number, (celsius, name) in enumerate(found):
        zone = f"{_THERMAL}/thermal_zone{number}"
        files[f"{zone}/type"] = f"{name}\n"
        files[f"{zone}/temp"] = f"{round(float(celsius) * 1_000)}\n"
    return files


def _of_block(text: str) -> str:
    """The indented lines that a heading is followed by."""
    lines = text.lstrip("\n").splitlines()
    return "\n".join(_while_indented(lines))


def _while_indented(lines: Iterable[str]) -> Iterable[str]:
    for line in lines:
        if not line.startswith(("\t", " ")):
            return
        yield line


def property_of(files: Mapping[str, str], name: str) -> str:
    """A property of the file that `properties_file` wrote; empty where it is not there."""
    found = re.search(
        rf"^{re.escape(name)}=(.*)$", files.get("system/build.prop", ""), re.MULTILINE
    )
    return found[1] if found else ""
