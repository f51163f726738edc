"""Whether the time of a race holds its first round."""

from collections.abc import Mapping
from typing import Final

from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.sweeps import SweepSpec
from controller.sweeps.prospects.prospect import Prospect

# The agent looks at the load for 0.2 s, and samples for 0.1 s at least.
_LEAST_PROCESS_MS: Final = 300


def check_time(spec: SweepSpec, prospect: Prospect, expected_ms: Mapping[str, int]) -> None:
    """Refuses a race that ends before each candidate had one process.

    Args:
        spec: what is asked for.
        prospect: what it measures.
        expected_ms: how long each device is expected to measure, by its id: never less than the
            first round takes.

    Raises:
        EdgerankError: OUT_OF_RANGE, with how long a first round takes.
    """
    if spec.race is None or spec.time_ms is None:
        return
    names = {device.device_id: device.name for device in prospect.devices}
    for device_id, jobs in prospect.by_device.items():
        first_ms = max(expected_ms.get(device_id, 0), _LEAST_PROCESS_MS * len(jobs))
        if first_ms > spec.time_ms:
            raise EdgerankError(
                ErrorCode.OUT_OF_RANGE,
                f"{spec.time_ms / 1_000:g} s are too short: one process of each of {len(jobs):,} "
                f"candidates takes at least {first_ms / 1_000:,.0f} s on {names[device_id]}; give "
                "--time more, or name fewer backbones",
            )
