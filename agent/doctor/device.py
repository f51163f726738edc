"""What the device itself tells: how fast it may run, how hot it is, what holds a process there."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from agent.measuring.supervision import MeasuringFailed
from protos.checks import CheckedSide, Finding, broken, doubtful, fine
from protos.device import CpuClock, Temperature
from protos.runtimes import RuntimeInfo

# Those that hold a frequency, or go to the highest at once.
_STEADY = re.compile("performance|userspace")


def runtimes_found(
    installed: Sequence[RuntimeInfo], describe: Callable[[RuntimeInfo], RuntimeInfo]
) -> Iterator[Finding]:
    """Whether there is a runtime, and each loads in a process of its own.

    Args:
        installed: what is there.
        describe: asks one in a child, and raises `MeasuringFailed` with its last words.
    """
    if not installed:
        yield broken(
            CheckedSide.AGENT,
            "runtimes",
            "no runtime is installed",
            "pip install '.[agent,onnxruntime]' or '.[agent,paddlelite]' in edgerank's folder",
        )
    for each in installed:
        name = f"{each.runtime.value} {each.version}"
        try:
            described = describe(each)
        except MeasuringFailed as error:
            advice = f"install another version of {each.runtime.value}, or one for this processor"
            yield broken(CheckedSide.AGENT, "runtimes", f"{name} does not load: {error}", advice)
        else:
            providers = ", ".join(described.execution_providers)
            yield fine(
                CheckedSide.AGENT,
                "runtimes",
                f"{name} loads{f' ({providers})' if providers else ''}",
            )


def governor_found(clocks: Iterable[CpuClock]) -> Finding:
    """Whether the processor's frequency holds while something is measured."""
    governors = sorted({clock.governor for clock in clocks if clock.governor})
    if not governors:
        return doubtful(
            CheckedSide.AGENT,
            "governor",
            "the kernel tells no frequency of the processor",
            "nothing here; on a virtual machine its host decides, and figures show what it does",
        )
    found = f"frequency governor: {', '.join(governors)}"
    if all(map(_STEADY.fullmatch, governors)):
        return fine(CheckedSide.AGENT, "governor", found)
    advice = "for steadier figures, as root: cpupower frequency-set --governor performance"
    return doubtful(CheckedSide.AGENT, "governor", found, advice)


def temperatures_found(celsius: float | None, temperatures: Sequence[Temperature]) -> Finding:
    """Whether sensors tell how hot the processor is; `celsius` is its own, if one does."""
    if celsius is not None:
        return fine(CheckedSide.AGENT, "temperatures", f"the processor has {celsius:.0f} °C")
    zones = ", ".join(each.zone for each in temperatures)
    return doubtful(
        CheckedSide.AGENT,
        "temperatures",
        f"no sensor tells of the processor{f', only {zones}' if zones else ''}",
        "load the driver of its sensors (coretemp, k10temp); until then starts wait for no "
        "temperature",
    )
