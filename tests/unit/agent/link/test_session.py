"""What an agent does about what happens to it: events in, instructions out."""

from hypothesis import given
from hypothesis import strategies as st

from agent.link.incoming import UnreadableLease
from agent.link.session import (
    MOST_UNSENT,
    CancelJob,
    Disconnected,
    Event,
    ForgetReport,
    HeartbeatDue,
    JobDenied,
    JobEnded,
    JobProgressed,
    KeepReport,
    ReportSpoiled,
    Send,
    SendReport,
    Session,
    SetReportAside,
    StartJob,
    Stopping,
)
from protos.fleet import (
    Cancel,
    GiveBack,
    Heartbeat,
    Lease,
    Progress,
    Ready,
    Report,
    ReportCommitted,
    ReportRefused,
    Stage,
    Welcome,
    failed,
)
from protos.inputs import NetworkInput, square
from protos.measuring import MeasureSettings
from protos.reasons import ReasonCode
from protos.runtimes import Runtime

WELCOME = Welcome(heartbeat_interval_ms=1_000)
READY = Send(message=Ready())


def lease(attempt_id: str = "a") -> Lease:
    return Lease(
        attempt_id=attempt_id,
        job_id="job",
        artifact_sha256="00",
        artifact_size_bytes=1,
        backbone="PPLCNet_x1_0",
        ordinal=0,
        settings=MeasureSettings(
            runtime=Runtime.ONNXRUNTIME,
            threads=1,
            relative_half_width=0.02,
            time_budget_ms=1_000,
            takes=NetworkInput(size=square(224)),
            input_seed=0,
        ),
    )


def report(attempt_id: str = "a") -> Report:
    return Report(
        attempt_id=attempt_id,
        job_id="job",
        started_at_unix_ms=1,
        ended_at_unix_ms=2,
        failure=failed(ReasonCode.CRASHED, "it died"),
    )


def connected(*unsent: str) -> Session:
    session = Session(unsent=list(unsent))
    session.handle(WELCOME)
    return session


def test_a_free_agent_asks_for_work_when_it_is_welcome() -> None:
    assert Session().handle(WELCOME) == (READY,)


def test_reports_of_an_earlier_life_are_sent_before_work_is_asked_for() -> None:
    session = Session(unsent=["a", "b"])
    assert session.handle(WELCOME) == (
        SendReport(attempt_id="a"),
        SendReport(attempt_id="b"),
        READY,
    )


def test_a_lease_starts_a_job() -> None:
    assert connected().handle(lease()) == (StartJob(lease=lease()),)


def test_a_lease_that_is_given_twice_starts_one_job() -> None:
    session = connected()
    session.handle(lease())
    assert session.handle(lease()) == ()


def test_a_second_lease_is_not_held() -> None:
    session = connected()
    session.handle(lease("a"))
    assert session.handle(lease("b")) == ()
    assert session.held_attempt_ids == ("a",)


def test_a_lease_of_an_attempt_that_ended_is_answered_with_its_report() -> None:
    assert connected("a").handle(lease("a")) == (SendReport(attempt_id="a"),)


def test_a_report_is_kept_before_it_is_sent_and_work_is_asked_for_again() -> None:
    session = connected()
    session.handle(lease())
    assert session.handle(JobEnded(report=report())) == (
        KeepReport(report=report()),
        SendReport(attempt_id="a"),
        READY,
    )


def test_a_job_that_ends_without_a_connection_is_reported_at_the_next() -> None:
    session = connected()
    session.handle(lease())
    session.handle(Disconnected())
    assert session.handle(JobEnded(report=report())) == (KeepReport(report=report()),)
    assert session.handle(WELCOME) == (SendReport(attempt_id="a"), READY)


def test_a_report_is_sent_at_every_connection_until_it_is_committed() -> None:
    session = connected("a")
    session.handle(Disconnected())
    assert SendReport(attempt_id="a") in session.handle(WELCOME)
    assert session.handle(ReportCommitted(attempt_id="a")) == (ForgetReport(attempt_id="a"),)
    session.handle(Disconnected())
    assert session.handle(WELCOME) == (READY,)


def test_a_busy_agent_asks_for_no_work_when_it_comes_back() -> None:
    session = connected()
    session.handle(lease())
    session.handle(Disconnected())
    assert session.handle(WELCOME) == ()
    assert session.held_attempt_ids == ("a",)


def test_heartbeats_hold_the_attempt_that_runs_and_those_not_committed() -> None:
    session = connected("b")
    session.handle(lease("a"))
    beat = Heartbeat(held_attempt_ids=("a", "b"))
    assert session.handle(HeartbeatDue()) == (Send(message=beat),)


def test_progress_goes_out_only_over_a_connection() -> None:
    event = JobProgressed(progress=Progress(attempt_id="a", stage=Stage.MEASURING))
    session = connected()
    assert session.handle(event) == (Send(message=event.progress),)
    session.handle(Disconnected())
    assert session.handle(event) == ()


def test_cancel_ends_the_job_that_runs() -> None:
    session = connected()
    session.handle(lease())
    assert session.handle(Cancel(attempt_id="a")) == (CancelJob(),)


def test_cancel_of_an_attempt_that_ended_is_answered_with_its_report() -> None:
    assert connected("a").handle(Cancel(attempt_id="a")) == (SendReport(attempt_id="a"),)


def test_cancel_of_an_unknown_attempt_changes_nothing() -> None:
    session = connected()
    session.handle(lease("a"))
    assert session.handle(Cancel(attempt_id="b")) == ()


def test_a_lease_that_cannot_be_read_is_refused_with_a_reason() -> None:
    unreadable = UnreadableLease(
        attempt_id="a", job_id="job", received_at_unix_ms=5, detail="a newer runtime"
    )
    refusal = Report(
        attempt_id="a",
        job_id="job",
        started_at_unix_ms=5,
        ended_at_unix_ms=5,
        failure=failed(ReasonCode.RUNTIME_ERROR, "a newer runtime"),
    )
    session = connected()
    assert session.handle(unreadable) == (
        KeepReport(report=refusal),
        SendReport(attempt_id="a"),
        READY,
    )
    assert session.handle(unreadable) == (SendReport(attempt_id="a"),)


def test_a_refused_report_is_set_aside_and_those_behind_it_go_on() -> None:
    session = connected("a", "b")
    refused = ReportRefused(attempt_id="a", why="no samples")
    assert session.handle(refused) == (SetReportAside(attempt_id="a", why="no samples"),)
    assert session.held_attempt_ids == ("b",)
    session.handle(Disconnected())
    assert session.handle(WELCOME) == (SendReport(attempt_id="b"), READY)


def test_a_report_that_spoiled_is_set_aside_and_its_turn_given_back() -> None:
    session = connected("a")
    spoiled = ReportSpoiled(attempt_id="a", why="no report any more")
    aside = SetReportAside(attempt_id="a", why="no report any more")
    assert session.handle(spoiled) == (aside, Send(message=GiveBack(attempt_id="a")))
    assert session.held_attempt_ids == ()
    assert Session(unsent=["a"]).handle(spoiled) == (aside,)


def test_no_more_work_is_asked_for_while_too_many_reports_are_not_committed() -> None:
    unsent = [f"attempt-{number}" for number in range(MOST_UNSENT - 1)]
    session = connected(*unsent)
    session.handle(lease("one-more"))
    assert READY not in session.handle(JobEnded(report=report("one-more")))
    session.handle(Disconnected())
    assert READY not in session.handle(WELCOME)
    assert session.handle(ReportCommitted(attempt_id="attempt-0"))[-1] == READY
    assert READY not in session.handle(ReportCommitted(attempt_id="attempt-1"))
    for how in (
        ReportRefused(attempt_id="attempt-2", why="no samples"),
        ReportSpoiled(attempt_id="attempt-2", why="no report any more"),
    ):
        full = connected(*unsent, "one-more")
        assert full.handle(how)[-1] == READY
        # Without a connection there is nobody to ask.
        assert READY not in Session(unsent=[*unsent, "one-more"]).handle(how)


attempt_ids = st.sampled_from(["a", "b", "c"])
events = st.lists(
    st.just(WELCOME)
    | st.just(Disconnected())
    | st.builds(lease, attempt_ids)
    | st.builds(Cancel, attempt_id=attempt_ids)
    | st.builds(ReportCommitted, attempt_id=attempt_ids)
    | st.builds(ReportRefused, attempt_id=attempt_ids, why=st.just("no samples"))
    | st.builds(ReportSpoiled, attempt_id=attempt_ids, why=st.just("no report any more"))
    | st.just("the job ends")
)


@given(events)
def test_no_report_is_lost_and_no_work_asked_for_while_busy(happened: list[Event | str]) -> None:
    session = Session()
    kept: set[str] = set()
    for each in happened:
        if isinstance(each, str):
            if session.running is None:
                continue
            event: Event = JobEnded(report=report(session.running.attempt_id))
        else:
            event = each
        instructions = session.handle(event)
        for instruction in instructions:
            if isinstance(instruction, KeepReport):
                assert instruction.report.attempt_id not in kept
                kept.add(instruction.report.attempt_id)
            if isinstance(instruction, ForgetReport):
                assert event == ReportCommitted(attempt_id=instruction.attempt_id)
                kept.discard(instruction.attempt_id)
            if isinstance(instruction, SetReportAside):
                assert isinstance(event, ReportRefused | ReportSpoiled)
                kept.discard(instruction.attempt_id)
        assert set(session.unsent) == kept
        assert kept <= set(session.held_attempt_ids)
        if READY in instructions:
            assert session.running is None
            assert session.connected
        if event == WELCOME:
            assert kept == {i.attempt_id for i in instructions if isinstance(i, SendReport)}


def test_a_lease_whose_artifact_the_device_may_not_have_is_given_back_and_not_reported() -> None:
    session = connected()
    session.handle(lease())
    # Nor is more asked for before it was let in again.
    assert session.handle(JobDenied()) == (Send(message=GiveBack(attempt_id="a")),)
    assert session.held_attempt_ids == ()
    session.handle(Disconnected())
    assert session.handle(WELCOME) == (READY,)


def test_an_agent_that_stops_gives_its_lease_back_while_anybody_listens() -> None:
    session = connected()
    session.handle(lease())
    assert session.handle(Stopping()) == (Send(message=GiveBack(attempt_id="a")),)
    assert session.held_attempt_ids == ()
    assert session.handle(Stopping()) == ()
    alone = connected()
    alone.handle(lease())
    alone.handle(Disconnected())
    assert alone.handle(Stopping()) == ()
