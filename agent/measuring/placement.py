"""Whether this device can compute where a job wants it to."""

from collections.abc import Collection, Iterable

from agent.measuring.supervision import MeasuringFailed
from protos.measuring import MeasureSettings
from protos.reasons import ReasonCode
from protos.runtimes import RuntimeInfo


def check_cores(settings: MeasureSettings, allowed: Collection[int]) -> None:
    """The wanted cores are among those that the agent may use, and enough for the threads.

    Raises:
        MeasuringFailed: they are not; says which would do.
    """
    missing = sorted(set(settings.cores) - set(allowed))
    if missing:
        raise MeasuringFailed(
            ReasonCode.RUNTIME_ERROR,
            f"the cores {_listed(missing)} were asked for, but this agent may use the cores "
            f"{_listed(sorted(allowed))}: ask for some of these",
        )
    most = len(settings.cores or allowed)
    if not 1 <= settings.threads <= most:
        chosen = f"on the cores {_listed(settings.cores)}, " if settings.cores else ""
        raise MeasuringFailed(
            ReasonCode.RUNTIME_ERROR,
            f"{settings.threads} threads were asked for, but {chosen}this agent may use "
            f"{most} cores: ask for 1 to {most}",
        )


def check_execution_provider(settings: MeasureSettings, runtime: RuntimeInfo) -> None:
    """The runtime's build has the wanted execution provider, or has not told which it has.

    Raises:
        MeasuringFailed: it has not; says which it has.
    """
    if settings.onnxruntime is None or not runtime.execution_providers:
        return
    wanted = settings.onnxruntime.execution_provider
    if wanted not in runtime.execution_providers:
        raise MeasuringFailed(
            ReasonCode.RUNTIME_ERROR,
            f"{wanted} was asked for, but {runtime.runtime.value} has on this device "
            f"{', '.join(runtime.execution_providers)}: ask for one of these",
        )


def _listed(cores: Iterable[int]) -> str:
    return ", ".join(str(core) for core in cores)
