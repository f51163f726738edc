"""Where the pages of things are."""

from urllib.parse import quote, urlencode

from controller.domain.measurements import Measurement
from controller.domain.sweeps import SweepSpec


def device_link(name: str) -> str:
    """The page of a device."""
    return f"/devices/{quote(name, safe='')}"


def sweep_link(sweep_id: str) -> str:
    """The page of a sweep."""
    return f"/sweeps/{quote(sweep_id, safe='')}"


def measurement_link(measurement: Measurement) -> str:
    """The page of a measurement; what finds it fast is told with it."""
    where = {
        "device": measurement.device,
        "backbone": measurement.backbone,
        "sweep": measurement.sweep_id,
    }
    return f"/measurements/{quote(measurement.measurement_id, safe='')}?{urlencode(where)}"


def sweep_query(spec: SweepSpec) -> str:
    """The parameters with which the form for a new sweep asks for one."""
    asked = {
        "models": ",".join(spec.backbones),
        "devices": ",".join(spec.devices),
        "runtimes": ",".join(each.value for each in spec.runtimes),
        "threads": ",".join(map(str, spec.threads)),
    }
    return urlencode({name: value for name, value in asked.items() if value})
