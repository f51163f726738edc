"""What devices cannot do of what is asked: runtimes, threads and cores, precisions.

With several devices, what some of them cannot do is left out and told. What none of them can do,
although it was asked for by name, refuses the sweep.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from controller.domain.devices import Device
from controller.domain.sweeps import SweepSpec
from controller.sweeps.choosing import Chosen
from controller.sweeps.parts import TARGETS, file_of
from controller.sweeps.placement import placement_obstacle
from models.catalog.precisions import Precision
from models.catalog.variants import PRECISIONS
from protos.names import printable
from protos.reasons import Reason, ReasonCode, reason
from protos.runtimes import Runtime

TOLD: Final = 3
"""Of a refusal that holds for many devices so many are told."""

# Of what an agent says of a runtime.
_MOST_CHARACTERS: Final = 500


@dataclass(frozen=True)
class Obstacles:
    """What devices, by their ids, cannot do, each with why; what stands further up hides the rest.

    Attributes:
        runtimes: those that a device does not have, or cannot use.
        threads: how many a runtime cannot compute with there, in the cores that are asked for.
        precisions: those that a runtime does not have there.
    """

    runtimes: Mapping[tuple[str, Runtime], Reason]
    threads: Mapping[tuple[str, Runtime, int], Reason]
    precisions: Mapping[tuple[str, Runtime, Precision], Reason]

    def allow(self, device_id: str, runtime: Runtime, precision: Precision) -> bool:
        """Whether a runtime is usable on a device, and has a precision there."""
        has_runtime = (device_id, runtime) not in self.runtimes
        return has_runtime and (device_id, runtime, precision) not in self.precisions

    @property
    def reasons(self) -> Iterator[Reason]:
        """All that there are."""
        for each in (self.runtimes, self.threads, self.precisions):
            yield from each.values()


def find_obstacles(
    spec: SweepSpec,
    devices: Iterable[Device],
    runtimes: Sequence[Runtime],
    precisions: Sequence[Precision],
) -> Obstacles:
    """What devices cannot do of what is asked."""
    pairs = tuple(itertools.product(devices, runtimes))
    unusable = {
        (device.device_id, runtime): why
        for device, runtime in pairs
        if (why := _why_unusable(device, runtime))
    }
    usable = [(d, runtime) for d, runtime in pairs if (d.device_id, runtime) not in unusable]
    return Obstacles(
        unusable,
        {
            (device.device_id, runtime, threads): why
            for device, runtime in usable
            for threads in spec.threads
            if (why := placement_obstacle(device, runtime, threads, spec))
        },
        {
            (device.device_id, runtime, precision): why
            for device, runtime in usable
            for precision in precisions
            if (why := _lack(device, runtime, precision))
        },
    )


def impossible(
    spec: SweepSpec,
    choice: Chosen,
    runtimes: Sequence[Runtime],
    precisions: Sequence[Precision],
    obstacles: Obstacles,
) -> tuple[Reason, ...]:
    """Why something that was asked for by name can be done nowhere; empty where all can somewhere.

    Whoever names no device takes what the devices can do of threads, cores and precisions, and
    whoever names no runtime takes those that they have.
    """
    device_ids = [device.device_id for device in choice.devices]
    asked: list[Sequence[Reason | None]] = []
    if spec.runtimes:
        asked += [
            [obstacles.runtimes.get((device_id, runtime)) for device_id in device_ids]
            for runtime in runtimes
        ]
    if choice.named:
        usable = [
            pair
            for pair in itertools.product(device_ids, runtimes)
            if pair not in obstacles.runtimes
        ]
        asked += [
            [obstacles.threads.get((*pair, threads)) for pair in usable if pair[1] is runtime]
            for runtime, threads in itertools.product(runtimes, spec.threads)
        ]
        # Of several runtimes each takes the precisions that it has.
        asked += [
            [obstacles.precisions.get((*pair, precision)) for pair in usable]
            for precision in precisions
        ]
    return next((each_once(why)[:TOLD] for why in asked if why and all(why)), ())


def each_once(reasons: Iterable[Reason | None]) -> tuple[Reason, ...]:
    """The reasons that there are, each once."""
    return tuple({str(each): each for each in reasons if each is not None}.values())


def _why_unusable(device: Device, runtime: Runtime) -> Reason | None:
    words = {"device": device.name, "runtime": runtime.value}
    info = next((each for each in device.profile.runtimes if each.runtime is runtime), None)
    if info is None:
        working = (each.runtime.value for each in device.profile.working_runtimes)
        has = ", ".join(working) or "no runtime"
        return reason(ReasonCode.RUNTIME_MISSING, words | {"has": has})
    if info.last_words:
        told = printable(info.last_words)[:_MOST_CHARACTERS]
        words |= {"version": printable(info.version)[:_MOST_CHARACTERS], "detail": told}
        return reason(ReasonCode.RUNTIME_BROKEN, words)
    architecture = device.profile.architecture
    if runtime is Runtime.PADDLELITE and architecture not in TARGETS:
        known = {"architecture": architecture, "known": ", ".join(TARGETS)}
        return reason(ReasonCode.ARCHITECTURE_UNKNOWN, {"device": device.name} | known)
    return None


def _lack(device: Device, runtime: Runtime, precision: Precision) -> Reason | None:
    file = file_of(device, runtime)
    # What came quantised is ONNX, and said to be by itself.
    if file is None or precision in PRECISIONS[file] or precision is Precision.INT8:
        return None
    words = {
        "device": device.name,
        "runtime": runtime.value,
        "architecture": device.profile.architecture,
        "precision": precision.value,
        "has": ", ".join(each.value for each in PRECISIONS[file]),
    }
    return reason(ReasonCode.PRECISION_MISSING, words)
