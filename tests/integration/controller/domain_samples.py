"""Domain objects that the controller's tests share."""

from controller.domain.sweeps import SweepSpec
from models.catalog.variants import WeightsKind
from protos.device import DeviceProfile, DeviceState
from protos.fleet import Hello, Measured, Report, failed
from protos.measuring import OutputCheck, ProcessMemory, Repetition, StopReason
from protos.reasons import ReasonCode
from protos.runtimes import Runtime, RuntimeInfo

RUNTIME = RuntimeInfo(runtime=Runtime.ONNXRUNTIME, version="1.23.2")
LITE = RuntimeInfo(runtime=Runtime.PADDLELITE, version="2.14rc0")

SPEC = SweepSpec(
    backbones=("MobileNetV1",),
    devices=(),
    runtimes=(Runtime.ONNXRUNTIME,),
    threads=(1,),
    weights=WeightsKind.SYNTHETIC,
    fewest_repetitions=1,
    most_repetitions=1,
    relative_half_width=0.02,
    time_budget_ms=1_000,
)


def hello(name: str, *, held: tuple[str, ...] = (), hostname: str = "elsewhere") -> Hello:
    """What an agent on a device of this name says first."""
    profile = DeviceProfile(
        architecture="x86_64", runtimes=(RUNTIME, LITE), logical_cores=4, hostname=hostname
    )
    return Hello(
        device_id=f"id-of-{name}",
        name=name,
        labels={"room": "lab"},
        profile=profile,
        held_attempt_ids=held,
    )


def repetition(latency_ns: tuple[int, ...]) -> Repetition:
    """A repetition with these samples."""
    return Repetition(
        latency_ns=latency_ns,
        warmup_ns=(9_000_000,),
        load_ns=1_000_000,
        peak_rss_bytes=90_000_000,
        baseline_rss_bytes=50_000_000,
        busy_threads=1,
        stop_reason=StopReason.PRECISE,
        memory=ProcessMemory(steady_peak_rss_bytes=80_000_000),
        during=(DeviceState(taken_at_unix_ms=1_500, load_by_others=0.25),),
        output_check=OutputCheck(
            input_count=4, max_relative_difference=2e-6, l2_relative_difference=1e-6
        ),
    )


def measured_report(attempt_id: str, job_id: str, latency_ns: int = 5_000_000) -> Report:
    """A report of a repetition around 5 ms, or another latency."""
    samples = tuple(latency_ns + step * 1_000 for step in range(50))
    return Report(
        attempt_id=attempt_id,
        job_id=job_id,
        started_at_unix_ms=1_000,
        ended_at_unix_ms=2_000,
        measured=Measured(runtime=RUNTIME, repetition=repetition(samples), affinity=(0,)),
    )


def failed_report(attempt_id: str, job_id: str) -> Report:
    """A report of a child that crashed."""
    return Report(
        attempt_id=attempt_id,
        job_id=job_id,
        started_at_unix_ms=1_000,
        ended_at_unix_ms=2_000,
        failure=failed(ReasonCode.CRASHED, "the child died of SIGSEGV"),
    )
