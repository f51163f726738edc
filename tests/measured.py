"""What simulated agents and tests say that they measured: one home of a whole repetition."""

from controller.fleet.reports import Came, Recorded, SaidReport, record_reports
from controller.fleet.rounds.ending import end_settled
from controller.state.database import Database
from protos.measuring import OutputCheck, ProcessMemory, Repetition, StopReason


def repetition_of(latency_ns: tuple[int, ...]) -> Repetition:
    """A repetition with these samples, ns, and what goes with any."""
    return Repetition(
        latency_ns=latency_ns,
        warmup_ns=(9_000_000,),
        load_ns=1_000_000,
        peak_rss_bytes=90_000_000,
        baseline_rss_bytes=50_000_000,
        busy_threads=1,
        stop_reason=StopReason.PRECISE,
        memory=ProcessMemory(steady_peak_rss_bytes=80_000_000),
        output_check=OutputCheck(
            input_count=4, max_relative_difference=2e-6, l2_relative_difference=1e-6
        ),
    )


def record_report(
    database: Database, device_id: str, said: SaidReport, now_unix_ms: int
) -> Recorded:
    """Commits how one attempt ended, as a group of one, and ends what may end by it."""
    (recorded,) = record_reports(database, [Came(device_id, said, now_unix_ms)])
    if recorded.following.settled is not None:
        end_settled(database, [recorded.following.settled], now_unix_ms)
    return recorded
