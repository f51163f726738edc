"""What connections hold is looked at however many wait in the threads that all share."""

import asyncio
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Final

from controller.api.limits import DEFAULTS
from controller.api.rpc.peers import Peers

PATIENCE_S: Final = 30


class Clock:
    """Says what it is told to."""

    now_ms = 0

    def monotonic_ms(self) -> int:
        return self.now_ms

    def unix_ms(self) -> int:
        return self.now_ms


async def test_what_has_begun_is_weighed_while_every_shared_thread_waits() -> None:
    loop, may_go = asyncio.get_running_loop(), threading.Event()
    loop.set_default_executor(ThreadPoolExecutor(1))
    waiting = loop.run_in_executor(None, may_go.wait)
    try:
        # As soon as it grows at all.
        peers = Peers(replace(DEFAULTS, begun_bytes=0), Clock(), [1])
        with (
            socket.create_server(("127.0.0.1", 0)) as listening,
            socket.create_connection(listening.getsockname()[:2], PATIENCE_S) as theirs,
            listening.accept()[0] as ours,
        ):
            host, port = theirs.getsockname()
            peers.beginnings.incoming(f"ipv4:{host}:{port}")
            # More than counts as little.
            sending = threading.Thread(target=theirs.sendall, args=(bytes(1 << 19),))
            sending.start()
            assert len(ours.recv(1 << 19, socket.MSG_WAITALL)) == 1 << 19
            sending.join()
            await asyncio.wait_for(peers.weigh(listening.getsockname()[1]), PATIENCE_S)
            assert ours.recv(1) == b""
    finally:
        may_go.set()
        await waiting
