"""Bounds the bytes that callers hold: of what they ask, and of what they are told and not read."""

import hashlib
from contextlib import ExitStack
from typing import Any

import grpc

from controller.access.callers import Shown
from controller.access.connections import place_of
from controller.access.local_peers import is_of_loopback
from controller.api.limits import Limits, Load
from controller.api.rpc.held.weighing import Scales
from controller.api.rpc.peers import Peers
from controller.domain.access import Caller, CallerKind


class Holding:
    """Counts requests until their calls end, and answers until they are read."""

    def __init__(self, limits: Limits, peers: Peers) -> None:
        # Nobody would hear of one that waits.
        self._requests = Scales(limits.requests_bytes, 0, "requests")
        self._answers = Scales(
            limits.answers_bytes, limits.answers_waiting_bytes, "answers", limits.request_s
        )
        self._peers = peers

    async def keep(self, caller: Caller, peer: str, size_bytes: int, held: ExitStack) -> None:
        """Counts a request until `held` ends.

        Raises:
            EdgerankError: LIMIT.
        """
        await self._requests.keep(_whose(caller, peer), size_bytes, held)

    async def keep_answer(
        self, caller: Caller, peer: str, size_bytes: int, held: ExitStack
    ) -> None:
        """Counts an answer, once there is room for it, until `held` ends.

        Raises:
            EdgerankError: LIMIT.
        """
        await self._answers.keep(_whose(caller, peer), size_bytes, held)

    async def tell(
        self,
        caller: Caller,
        context: grpc.aio.ServicerContext[Any, Any],
        content: bytes,
        load: Load,
    ) -> None:
        """Tells a caller something, who has to read it; what is long once there is room for it.

        Raises:
            EdgerankError: LIMIT.
        """
        peer = context.peer()
        with ExitStack() as held:
            # Of each artifact a chunk is there, and so many go at once; a fleet does not wait for
            # people who do not read.
            if load is not Load.DOWNLOAD:
                await self.keep_answer(caller, peer, len(content), held)
            held.enter_context(self._peers.told(peer))
            await context.write(content)


def _whose(caller: Caller, peer: str) -> str:
    return counted_as(caller, peer) or peer


def counted_as(caller: Caller, peer: str) -> str | None:
    """Whose a call is; None of who runs the controller, and where nobody is asked who they are.

    Their calls are counted with all only, and their bytes by connection.
    """
    if caller.caller is CallerKind.STRANGER:
        return place_of(peer)
    if caller.may_speak_for_devices:
        return None
    return f"{caller.caller.value} {caller.caller_name}"


def counted_unknown(shown: Shown) -> str | None:
    """As whose a call counts while it is looked up who makes it; None for one of this machine.

    Who shows a certificate proved its key, and a fleet of thousands may stand behind one address.
    """
    if is_of_loopback(shown.peer):
        return None
    if shown.certificate_pem is not None:
        return hashlib.sha256(shown.certificate_pem).hexdigest()
    return place_of(shown.peer)
