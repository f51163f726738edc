"""Carries out what the session decides, over the agent's one stream to the controller."""

import asyncio
import math
import uuid
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import grpc

from agent.artifacts.cache import ArtifactCache
from agent.link.dialling import Dialler
from agent.link.job import Job, ending_of
from agent.link.kept.keeping import Keeping
from agent.link.kept.reporting import Reporting
from agent.link.kept.spool import Spool
from agent.link.line import Line
from agent.link.renewing import Renewing
from agent.link.rhythm import Rhythm
from agent.link.session import (
    CancelJob,
    Disconnected,
    Event,
    ForgetReport,
    HeartbeatDue,
    Instruction,
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
from agent.link.tasks import end_tasks
from agent.link.wire import AgentStream, encode_report
from agent.measuring.measurer import Measurer
from agent.state_folder import watch_presence
from protos.codec import MessageInvalid
from protos.device import DeviceProfile
from protos.fleet import (
    FEATURES,
    PROTOCOL,
    CertificateDue,
    GiveBack,
    Heartbeat,
    Hello,
    InLine,
    Lease,
    Progress,
    Ready,
    SlowDown,
    Welcome,
)
from protos.log_lines import about, event_log
from protos.traces import NO_SPANS, Spans

log = event_log(__name__)

# A report goes as the bytes that the spool keeps.
_Outgoing = Heartbeat | Ready | Progress | GiveBack | bytes

DEFAULT_CONNECT_TIMEOUT_S = 10.0
# For the last words of an agent that ends; a controller that does not listen is not waited for.
_FAREWELL_S = 2.0


@dataclass(frozen=True, kw_only=True)
class Introduction:
    """How the agent presents itself; with `replace` it asks for the place of who has the name."""

    device_id: str
    name: str
    labels: Mapping[str, str]
    profile: DeviceProfile
    replace: bool = False


class Connection:
    """The agent's dealings with its controller, from the first dial to the end."""

    def __init__(
        self,
        *,
        line: Line,
        introduction: Introduction,
        measurer: Measurer,
        cache: ArtifactCache,
        spool: Spool,
        kept: Iterable[Path] = (),
        now_unix_ms: Callable[[], int],
        connect_timeout_s: float = DEFAULT_CONNECT_TIMEOUT_S,
        spans: Spans = NO_SPANS,
    ) -> None:
        self._line = line
        self._reporting = Reporting(spans)
        self._introduction = introduction
        self._measurer = measurer
        self._cache = cache
        self._reports = Keeping(spool)
        self._kept = kept
        self._now_unix_ms = now_unix_ms
        self._connect_timeout_s = connect_timeout_s
        self._rhythm = Rhythm()
        self._dialler = Dialler(line, self._rhythm, connect_timeout_s)
        self._run_id = uuid.uuid4().hex
        self._session = Session(unsent=list(self._reports.pending()))
        self._outgoing: asyncio.Queue[_Outgoing] = asyncio.Queue()
        self._job: Job | None = None
        self._jobs: asyncio.Queue[Job] = asyncio.Queue()
        self._renewing = Renewing(line, self._rhythm)
        self._stream: AgentStream | None = None
        self._is_denied = asyncio.Event()

    async def run(self, stop: asyncio.Event, on_connected: Callable[[], None]) -> None:
        """Serve until `stop` is set; then end the job that runs and return.

        Args:
            stop: set by whoever wants the agent to end.
            on_connected: called after every Welcome.

        Raises:
            ControllerUnreachable: nobody answered the first dial.
            ControllerRefused: the controller does not want this agent.
            StateUnusable: its state folder was removed.
        """
        serving = asyncio.create_task(self._serve(on_connected))
        working = asyncio.create_task(self._work())
        stopping = asyncio.create_task(stop.wait())
        watching = asyncio.create_task(watch_presence(self._kept))
        tasks = {serving, working, stopping, watching}
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.gather(*done)
        finally:
            await self._give_back()
            await end_tasks(*tasks)
            # After its task: what ends now gives no report, of a cancellation least of all.
            if self._job is not None:
                self._job.cancel()
            await self._line.close()

    async def _give_back(self) -> None:
        """Let the controller know that what runs will not be reported, and that this ends."""
        is_heard = self._session.connected
        self._dispatch(Stopping())
        if is_heard:
            await self._take_leave()

    async def _take_leave(self) -> None:
        """Say what is still to be said, and that it was the last; a moment for it."""
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._say_farewell(), _FAREWELL_S)

    async def _say_farewell(self) -> None:
        await self._outgoing.join()
        if self._stream is not None:
            with suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
                await self._stream.end()

    async def _serve(self, on_connected: Callable[[], None]) -> None:
        """Dial, serve the stream until it ends, dial again."""
        within_s = self._connect_timeout_s
        # Of which age the certificate is, the clock of a device cannot be asked.
        await self._renewing.try_now()
        serving: asyncio.Task[None] | None = None
        try:
            while True:
                stream, welcome = await self._dialler.dial(self._hello, within_s)
                if serving is not None:
                    await end_tasks(serving)
                within_s = math.inf
                self._rhythm.follow(welcome)
                on_connected()
                serving = asyncio.create_task(self._serve_stream(stream, welcome))
                if not await self._until_to_dial_again(serving):
                    await asyncio.sleep(self._rhythm.rest_s())
        finally:
            if serving is not None:
                await end_tasks(serving)

    async def _until_to_dial_again(self, serving: asyncio.Task[None]) -> bool:
        """Whether a new certificate is why; the stream stands then, and else has ended.

        It is served until the next one takes its place: to its controller the device never left.
        """
        renewing = asyncio.create_task(self._renewing.until_renewed())
        try:
            done, _ = await asyncio.wait({serving, renewing}, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.gather(*done)
        finally:
            await end_tasks(renewing)
        return not serving.done()

    def _hello(self) -> Hello:
        who = self._introduction
        return Hello(
            device_id=who.device_id,
            name=who.name,
            labels=who.labels,
            profile=who.profile,
            held_attempt_ids=self._session.held_attempt_ids,
            protocol=PROTOCOL,
            run_id=self._run_id,
            replace=who.replace,
            features=FEATURES,
        )

    async def _serve_stream(self, stream: AgentStream, welcome: Welcome) -> None:
        """Receive, send and beat until one of these finds the stream broken, or it is left."""
        self._stream = stream
        self._outgoing = asyncio.Queue()
        self._is_denied.clear()
        self._dispatch(welcome)
        tasks = {
            asyncio.create_task(self._receive(stream)),
            asyncio.create_task(self._send(stream)),
            asyncio.create_task(self._beat()),
            asyncio.create_task(self._leave_when_denied()),
        }
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._dispatch(Disconnected())
            await end_tasks(*tasks)
            stream.cancel()
        try:
            await asyncio.gather(*done)
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError) as error:
            # What is still said after the farewell is heard by nobody, and the spool has it.
            if not stream.is_left:
                log.warning(
                    "the connection broke", controller=self._line.address, error=_short(error)
                )

    async def _receive(self, stream: AgentStream) -> None:
        while (message := await stream.receive()) is not None:
            match message:
                case CertificateDue():
                    self._renewing.ask()
                case SlowDown():
                    self._rhythm.follow(message)
                case InLine():
                    pass
                case _:
                    self._dispatch(message)
        if not stream.is_left:
            log.info("the controller closed the connection", controller=self._line.address)

    async def _send(self, stream: AgentStream) -> None:
        while True:
            messages = [await self._outgoing.get()]
            # What is behind a report may be said beside it; more would hold a full spool in memory.
            if not self._outgoing.empty():
                messages.append(self._outgoing.get_nowait())
            try:
                await stream.send_each(messages)
            finally:
                for _ in messages:
                    self._outgoing.task_done()

    async def _beat(self) -> None:
        await asyncio.sleep(self._rhythm.first_beat_s())
        while True:
            self._dispatch(HeartbeatDue())
            await asyncio.sleep(self._rhythm.interval_s)

    async def _leave_when_denied(self) -> None:
        """A stream may stand that began with a certificate which is not taken any more.

        The next dial tells why, and what to do.
        """
        await self._is_denied.wait()
        await self._take_leave()

    def _dispatch(self, event: Event) -> None:
        for instruction in self._session.handle(event):
            self._carry_out(instruction)

    def _carry_out(self, instruction: Instruction) -> None:
        match instruction:
            case Send(message=message):
                self._outgoing.put_nowait(message)
            case SendReport(attempt_id=attempt_id):
                self._send_report(attempt_id)
            case KeepReport(report=report):
                self._reports.keep(report.attempt_id, encode_report(report))
            case ForgetReport(attempt_id=attempt_id):
                self._reporting.ended(attempt_id)
                self._reports.forget(attempt_id)
            case SetReportAside(attempt_id=attempt_id, why=why):
                self._reporting.ended(attempt_id, why)
                self._reports.set_aside(attempt_id, why)
            case StartJob(lease=lease):
                self._job = self._new_job(lease)
                self._jobs.put_nowait(self._job)
            case CancelJob():
                if self._job is not None:
                    self._job.cancel()

    def _send_report(self, attempt_id: str) -> None:
        try:
            content = self._reports.find(attempt_id)
        except MessageInvalid as error:
            self._dispatch(ReportSpoiled(attempt_id=attempt_id, why=str(error)))
            return
        if content is not None:
            self._outgoing.put_nowait(content)

    async def _work(self) -> None:
        """Work off leases, one after the other.

        A job that is ended with the agent gives no report: its lease runs out, and another attempt
        takes its place.
        """
        while True:
            job = await self._jobs.get()
            with about(job=job.lease.job_id, attempt=job.lease.attempt_id):
                ended = await ending_of(job)
            self._job = None
            if isinstance(ended, JobEnded):
                self._reporting.begun(job.lease)
            self._dispatch(ended)
            if isinstance(ended, JobDenied):
                self._is_denied.set()

    def _new_job(self, lease: Lease) -> Job:
        return Job(
            lease,
            source=self._line,
            cache=self._cache,
            measurer=self._measurer,
            now_unix_ms=self._now_unix_ms,
            on_progress=lambda progress: self._dispatch(JobProgressed(progress=progress)),
            spans=self._reporting.spans,
        )


def _short(error: Exception) -> str:
    if isinstance(error, grpc.aio.AioRpcError):
        return str(error.details())
    return str(error)
