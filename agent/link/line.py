"""The agent's line to its controller: at which address, with which certificate."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import grpc

from agent.link.channels import plain_channel, secure_channel
from agent.link.identity import Identity, keep_identity, new_request
from agent.link.wire import FleetClient, JoiningClient
from protos.log_lines import event_log

log = event_log(__name__)

_ANSWER_S = 10.0
# A fetch may go on where the channel was replaced.
_REPLACED_GRACE_S = 600.0


class Line:
    """One channel at a time.

    Attributes:
        address: HOST:PORT where it leads now.
        client: the Fleet service there.
    """

    def __init__(
        self,
        addresses: tuple[str, ...],
        identity: Identity | None,
        folder: Path,
        now_unix_ms: Callable[[], int],
    ) -> None:
        """`addresses` are those where a controller answers people, the best first.

        With an identity, which is kept in `folder`, members' port is dialled there.
        """
        self._addresses = addresses
        self._identity = identity
        self._folder = folder
        self._now_unix_ms = now_unix_ms
        self._turn = 0
        self._channel: grpc.aio.Channel
        self._closing: set[asyncio.Task[None]] = set()
        self._open()

    @property
    def renew_after_s(self) -> float | None:
        """How long a certificate is used; None without one."""
        return None if self._identity is None else self._identity.renew_after_ms / 1_000

    def fetch_artifact(self, sha256: str, offset_bytes: int) -> AsyncGenerator[memoryview, None]:
        """The artifact's bytes from an offset on, in chunks; as `FleetClient` raises."""
        return self.client.fetch_artifact(sha256, offset_bytes)

    async def try_another(self) -> None:
        """Leads to the next address; if the certificate is what keeps us out, says so.

        Raises:
            grpc.aio.AioRpcError: PERMISSION_DENIED when the certificate is not taken.
        """
        if self._identity is not None:
            await self._ask_about(self._identity)
        self.turn_to_another()

    def turn_to_another(self) -> None:
        """Leads to the next address, if there is another."""
        if len(self._addresses) > 1:
            self._turn += 1
            self._replace()

    async def renew(self) -> None:
        """Gets the next certificate, with a key of its own, and uses it from here on.

        Raises:
            grpc.aio.AioRpcError: the controller did not give it.
            StateUnusable: it cannot be kept; the one before is used on.
        """
        assert self._identity is not None
        request = await asyncio.to_thread(new_request)
        membership = await JoiningClient(self._channel).renew(request.request_der, _ANSWER_S)
        identity = self._identity.renewed(request.key_pem, membership)
        await asyncio.to_thread(keep_identity, self._folder, identity)
        self._identity = identity
        log.info("the certificate was renewed")
        self._replace()

    async def close(self) -> None:
        """Closes every channel."""
        for task in self._closing:
            task.cancel()
        await asyncio.gather(*self._closing, return_exceptions=True)
        await self._channel.close()

    def _open(self) -> None:
        place = self._addresses[self._turn % len(self._addresses)]
        if self._identity is None:
            self.address = place
            self._channel = plain_channel(place)
        else:
            self.address = f"{place.rpartition(':')[0]}:{self._identity.fleet_port}"
            self._channel = secure_channel(
                self.address, self._identity.authority_pem, self._identity
            )
        self.client = FleetClient(self._channel, self._now_unix_ms)

    def _replace(self) -> None:
        task = asyncio.create_task(self._channel.close(_REPLACED_GRACE_S))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
        self._open()

    async def _ask_about(self, identity: Identity) -> None:
        """Where a certificate is not taken, the connection ends without a word of why."""
        place = self._addresses[self._turn % len(self._addresses)]
        async with secure_channel(place, identity.authority_pem, None) as channel:
            try:
                await JoiningClient(channel).check(identity.certificate_pem, _ANSWER_S)
            except grpc.aio.AioRpcError as error:
                if error.code() is grpc.StatusCode.PERMISSION_DENIED:
                    raise
