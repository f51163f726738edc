"""What a device cannot do of what was asked, with what would be possible."""

from typing import Final

from controller.views.counting import counted, first_of
from controller.views.reasons.writing import Writers
from protos.reasons import ReasonCode

_MOST_NAMED: Final = 8

SENTENCES: Final[Writers] = {
    ReasonCode.RUNTIME_MISSING: lambda _, words: (
        f"device {words['device']!r} has no {words['runtime']}; it has {words['has']}"
    ),
    ReasonCode.ARCHITECTURE_UNKNOWN: lambda _, words: (
        f"no Paddle Lite target is known for device {words['device']!r}, whose architecture is "
        f"{words['architecture']!r}; known: {words['known']}"
    ),
    ReasonCode.PRECISION_MISSING: lambda _, words: (
        f"{words['runtime']} on device {words['device']!r}, whose architecture is "
        f"{words['architecture']!r}, has no {words['precision']}; it has {words['has']}"
    ),
    ReasonCode.CORES_MISSING: lambda _, words: (
        f"device {words['device']!r} has no core {words['cores']}; it has {words['has']}"
    ),
    ReasonCode.CORE_CLASSES_UNKNOWN: lambda _, words: (
        f"device {words['device']!r} does not tell which of its cores are {words['choice']}; "
        f"{_cores(words['has'])}"
    ),
    ReasonCode.CORES_ALIKE: lambda _, words: (
        f"device {words['device']!r} has no {words['choice']} cores, they are all alike; "
        f"{_cores(words['has'])}"
    ),
    ReasonCode.CORES_NOT_ALLOWED: lambda _, words: (
        f"the agent of device {words['device']!r} may use none of its {words['choice']} cores, "
        f"{words['cores']}; it may use {words['has']}"
    ),
    ReasonCode.THREADS_EXCEED_CHOSEN: lambda figures, words: (
        f"what is chosen of device {words['device']!r} is {_counted(figures['count'])}, "
        f"{words['cores']}; ask for at most as many threads, not {figures['threads']:.0f}"
    ),
    ReasonCode.THREADS_EXCEED_ALLOWED: lambda figures, words: (
        f"the agent of device {words['device']!r} may use {figures['count']:.0f} of its "
        f"{_counted(figures['device_cores'])}; ask for at most as many threads, not "
        f"{figures['threads']:.0f}"
    ),
    ReasonCode.THREADS_EXCEED_CORES: lambda figures, words: (
        f"device {words['device']!r} has {_counted(figures['device_cores'])}; ask for at most as "
        f"many threads, not {figures['threads']:.0f}"
    ),
    ReasonCode.THREADS_EXCEED_QUOTA: lambda figures, words: (
        f"a quota leaves the agent of device {words['device']!r} the time of "
        f"{_counted(figures['quota_cores'])}; ask for at most "
        f"{counted(max(1, int(figures['quota_cores'])), 'thread')}, not {figures['threads']:.0f}"
    ),
    ReasonCode.PROVIDER_MISSING: lambda _, words: (
        f"{words['runtime']} on device {words['device']!r} has no {words['provider']!r}; it has "
        f"{words['has']}"
    ),
    ReasonCode.FLUSHING_UNKNOWN: lambda _, words: (
        f"no way is known to flush denormals on device {words['device']!r}, whose architecture is "
        f"{words['architecture']!r}; known: {words['known']}"
    ),
    ReasonCode.FILE_TOO_NEW: lambda figures, words: (
        f"device {words['device']!r} has ONNX Runtime {words['version']}, which reads IR versions "
        f"up to {figures['reads_ir_version']:.0f} and opsets up to {figures['reads_opset']:.0f}; "
        f"{words['backbone']} has IR version {figures['ir_version']:.0f} and opset "
        f"{figures['opset']:.0f}"
    ),
    ReasonCode.RUNTIME_BROKEN: lambda _, words: (
        f"{words['runtime']} {words['version']} on device {words['device']!r} is broken: "
        f"{words['detail']}"
    ),
    ReasonCode.HALF_PRECISION_MISSING: lambda _, words: (
        f"the processor of device {words['device']!r} has no arithmetic of half precision "
        f"(asimdhp), without which {words['runtime']} dies of a file in {words['precision']}"
    ),
    ReasonCode.EXTRA_KERNELS_MISSING: lambda _, words: (
        f"Paddle Lite {words['version']} on device {words['device']!r} was built without the extra "
        f"kernels that {words['backbone']} needs ({words['operators']}); build it with "
        "--with_extra=ON"
    ),
    ReasonCode.ACCELERATOR_MISSING: lambda _, words: (
        f"device {words['device']!r} cannot run files for {words['accelerator']}, which are for "
        "ARM devices that have a library for it"
    ),
    ReasonCode.ADDED_AS_ONNX: lambda _, words: (
        f"{words['backbone']} was added as ONNX, so Paddle Lite has no file of it"
    ),
    ReasonCode.CAME_QUANTISED: lambda _, words: (
        f"{words['backbone']} came quantised, so there is no {words['asked']} of it; ask for "
        f"{words['has']}"
    ),
    ReasonCode.NOT_QUANTISED: lambda _, words: (
        f"{words['backbone']} did not come quantised; what is made of it is {words['has']}"
    ),
    ReasonCode.RACE_WITHOUT_ACCURACY: lambda figures, words: (
        f"nobody knows the top-1 in {words['precision']} of "
        f"{counted(round(figures['count']), 'backbone')}, without which nothing races: "
        f"{first_of(words['backbones'].split(', '), _MOST_NAMED)}; "
        "'edgerank accuracy import' takes it in"
    ),
}


def _counted(cores: float) -> str:
    """Count cores, or the share of them that a quota leaves: 1 core, 1.5 cores."""
    return f"{cores:.3g} core{'' if cores == 1 else 's'}"


def _cores(known: str) -> str:
    return f"its cores are {known}" if known else "name them by their numbers"
