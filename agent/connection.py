"""Carries out what the session decides, over the agent's one stream to the controller."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import grpc
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    RetryError,
    retry_if_exception_type,
    stop_after_delay,
    stop_never,
    wait_exponential_jitter,
)
from tenacity.stop import stop_base

from agent.cache import ArtifactCache
from agent.domain import DeviceProfile, Heartbeat, Hello, Lease, Progress, Ready, Welcome
from agent.errors import INPUT_EXIT_CODE, AgentError
from agent.job import Job
from agent.measuring import Measurer
from agent.session import (
    CancelJob,
    Disconnected,
    Event,
    ForgetReport,
    HeartbeatDue,
    Instruction,
    JobEnded,
    JobProgressed,
    KeepReport,
    Send,
    SendReport,
    Session,
    StartJob,
)
from agent.spool import Spool
from agent.state_folder import StateUnusable
from agent.wire import AgentStream, FleetClient, encode_report
from protos.codec import MessageInvalid

log = logging.getLogger(__name__)

DEFAULT_CONNECT_TIMEOUT_S = 10.0
# A controller that takes and drops connections at once is dialled no faster than this.
_REST_BETWEEN_STREAMS_S = 0.2
_CHANNEL_OPTIONS: list[tuple[str, int]] = [
    # A dead link (a router that forgot us) is noticed without waiting for TCP.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    # How often is ours to say; the channel's own two minutes would come on top.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 1_000),
    ("grpc.max_reconnect_backoff_ms", 5_000),
    # A proxy set for the web knows no controllers.
    ("grpc.enable_http_proxy", 0),
]
# Dialling again gives the same answer.
_FINAL_CODES = frozenset(
    {
        grpc.StatusCode.ALREADY_EXISTS,
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.UNAUTHENTICATED,
        grpc.StatusCode.UNIMPLEMENTED,
    }
)


class ControllerUnreachable(AgentError):
    """Nobody answered the first dial."""


class ControllerRefused(AgentError):
    """The controller wants no agent of this kind."""

    exit_code = INPUT_EXIT_CODE


class _StreamBroken(Exception):
    """The stream ended before Welcome; worth another dial."""


@dataclass(frozen=True, kw_only=True)
class Introduction:
    """How the agent presents itself."""

    device_id: str
    name: str
    labels: Mapping[str, str]
    profile: DeviceProfile


class Connection:
    """The agent's dealings with its controller, from the first dial to the end."""

    def __init__(
        self,
        *,
        address: str,
        introduction: Introduction,
        measurer: Measurer,
        cache: ArtifactCache,
        spool: Spool,
        now_unix_ms: Callable[[], int],
        connect_timeout_s: float = DEFAULT_CONNECT_TIMEOUT_S,
    ) -> None:
        self._address = address
        self._introduction = introduction
        self._measurer = measurer
        self._cache = cache
        self._spool = spool
        self._now_unix_ms = now_unix_ms
        self._connect_timeout_s = connect_timeout_s
        self._session = Session(unsent=list(spool.pending()))
        self._outgoing: asyncio.Queue[Heartbeat | Ready | Progress | bytes] = asyncio.Queue()
        # Reports that the disk would not take, so that at least this process remembers them.
        self._unspooled: dict[str, bytes] = {}
        self._job: Job | None = None
        self._job_task: asyncio.Task[None] | None = None
        self._client: FleetClient | None = None

    async def run(self, stop: asyncio.Event, on_connected: Callable[[], None]) -> None:
        """Serve until `stop` is set; then end the job that runs and return.

        Args:
            stop: set by whoever wants the agent to end.
            on_connected: called after every Welcome.

        Raises:
            ControllerUnreachable: nobody answered the first dial.
            ControllerRefused: the controller does not want this agent.
        """
        async with grpc.aio.insecure_channel(self._address, options=_CHANNEL_OPTIONS) as channel:
            self._client = FleetClient(channel, self._now_unix_ms)
            serving = asyncio.create_task(self._serve(self._client, on_connected))
            stopping = asyncio.create_task(stop.wait())
            try:
                await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
                if serving.done():
                    serving.result()
            finally:
                await _end(serving, stopping)
                await self._abandon_job()

    async def _serve(self, client: FleetClient, on_connected: Callable[[], None]) -> None:
        """Dial, serve the stream until it ends, dial again."""
        stop: stop_base = stop_after_delay(self._connect_timeout_s)
        while True:
            stream, welcome = await self._dial(client, stop)
            stop = stop_never
            on_connected()
            try:
                await self._serve_stream(stream, welcome)
            finally:
                stream.cancel()
            await asyncio.sleep(_REST_BETWEEN_STREAMS_S)

    async def _dial(self, client: FleetClient, stop: stop_base) -> tuple[AgentStream, Welcome]:
        try:
            async for attempt in AsyncRetrying(
                retry=retry_if_exception_type(_StreamBroken),
                wait=wait_exponential_jitter(initial=0.1, max=15),
                stop=stop,
                before_sleep=self._log_retry,
            ):
                with attempt:
                    return await self._greet(client.connect())
        except RetryError as error:
            raise ControllerUnreachable(
                f"no controller answered at {self._address} within {self._connect_timeout_s:g} s: "
                "start one there with `edgerank controller`, or correct --controller"
            ) from error
        raise AssertionError("a retry loop ends by success or by RetryError")

    async def _greet(self, stream: AgentStream) -> tuple[AgentStream, Welcome]:
        """Say Hello and wait for Welcome."""
        who = self._introduction
        hello = Hello(
            device_id=who.device_id,
            name=who.name,
            labels=who.labels,
            profile=who.profile,
            held_attempt_ids=self._session.held_attempt_ids,
        )
        try:
            await stream.send(hello)
            welcome = await asyncio.wait_for(stream.receive(), self._connect_timeout_s)
        except grpc.aio.AioRpcError as error:
            raise self._verdict_on(error) from error
        except (asyncio.TimeoutError, asyncio.InvalidStateError) as error:
            stream.cancel()
            raise _StreamBroken("no answer") from error
        except MessageInvalid as error:
            raise ControllerRefused(f"the controller at {self._address}: {error}") from error
        if not isinstance(welcome, Welcome):
            stream.cancel()
            raise _StreamBroken("the controller closed the stream")
        return stream, welcome

    def _verdict_on(self, error: grpc.aio.AioRpcError) -> Exception:
        if error.code() is grpc.StatusCode.UNIMPLEMENTED:
            return ControllerRefused(
                f"what answers at {self._address} is no edgerank controller: correct --controller"
            )
        if error.code() in _FINAL_CODES:
            return ControllerRefused(
                f"the controller at {self._address} refused this agent: {error.details()}"
            )
        return _StreamBroken(str(error.details()))

    def _log_retry(self, state: RetryCallState) -> None:
        wait_s = state.next_action.sleep if state.next_action else 0.0
        log.info("no controller at %s; dialling again in %.1f s", self._address, wait_s)

    async def _serve_stream(self, stream: AgentStream, welcome: Welcome) -> None:
        """Receive, send and beat until one of the three finds the stream broken."""
        self._outgoing = asyncio.Queue()
        self._dispatch(welcome)
        tasks = {
            asyncio.create_task(self._receive(stream)),
            asyncio.create_task(self._send(stream)),
            asyncio.create_task(self._beat(welcome.heartbeat_interval_ms / 1_000)),
        }
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._dispatch(Disconnected())
            await _end(*tasks)
        try:
            await asyncio.gather(*done)
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError) as error:
            log.info("the connection to %s broke: %s", self._address, _short(error))

    async def _receive(self, stream: AgentStream) -> None:
        while (message := await stream.receive()) is not None:
            self._dispatch(message)
        log.info("the controller at %s closed the connection", self._address)

    async def _send(self, stream: AgentStream) -> None:
        while True:
            message = await self._outgoing.get()
            if isinstance(message, bytes):
                await stream.send_report(message)
            else:
                await stream.send(message)

    async def _beat(self, interval_s: float) -> None:
        while True:
            await asyncio.sleep(interval_s)
            self._dispatch(HeartbeatDue())

    def _dispatch(self, event: Event) -> None:
        for instruction in self._session.handle(event):
            self._carry_out(instruction)

    def _carry_out(self, instruction: Instruction) -> None:
        match instruction:
            case Send(message=message):
                self._outgoing.put_nowait(message)
            case SendReport(attempt_id=attempt_id):
                content = self._unspooled.get(attempt_id) or self._spool.get(attempt_id)
                if content is not None:
                    self._outgoing.put_nowait(content)
            case KeepReport(report=report):
                self._keep(report.attempt_id, encode_report(report))
            case ForgetReport(attempt_id=attempt_id):
                self._forget(attempt_id)
            case StartJob(lease=lease):
                self._start_job(lease)
            case CancelJob():
                if self._job is not None:
                    self._job.cancel()

    def _keep(self, attempt_id: str, content: bytes) -> None:
        try:
            self._spool.put(attempt_id, content)
        except StateUnusable as error:
            log.error("%s; the report of %s is kept in memory only", error, attempt_id)
            self._unspooled[attempt_id] = content

    def _forget(self, attempt_id: str) -> None:
        self._unspooled.pop(attempt_id, None)
        try:
            self._spool.forget(attempt_id)
        except StateUnusable as error:
            # It is sent once more at the next start, and committed once all the same.
            log.error("%s; the report of %s stays there", error, attempt_id)

    def _start_job(self, lease: Lease) -> None:
        log.info(
            "measuring %s with %s, %d thread(s)",
            lease.backbone,
            lease.settings.runtime.value,
            lease.settings.threads,
        )
        assert self._client is not None
        self._job = Job(
            lease,
            source=self._client,
            cache=self._cache,
            measurer=self._measurer,
            now_unix_ms=self._now_unix_ms,
            on_progress=lambda progress: self._dispatch(JobProgressed(progress=progress)),
        )
        self._job_task = asyncio.create_task(self._work_off(self._job, lease))

    async def _work_off(self, job: Job, lease: Lease) -> None:
        report = await job.run()
        if report.failure is not None:
            log.warning("%s failed: %s", lease.backbone, report.failure.detail)
        self._dispatch(JobEnded(report=report))

    async def _abandon_job(self) -> None:
        """End the job without a report: its lease runs out, and another attempt takes its place."""
        if self._job_task is None or self._job is None:
            return
        task, self._job_task = self._job_task, None
        self._job.cancel()
        await _end(task)


async def _end(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _short(error: Exception) -> str:
    if isinstance(error, grpc.aio.AioRpcError):
        return str(error.details())
    return str(error)
