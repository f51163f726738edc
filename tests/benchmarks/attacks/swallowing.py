"""Swallows what attackers say, and does nothing: what they cost by themselves is seen beside it.

It has the same niceness and core as they: it, too, takes what nobody wants of the processor.
"""

import asyncio
import json
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc

from controller.access.authorities import Authorities
from tests.benchmarks.attacks.leftovers import take_leftovers
from tests.processes import own_address

# Of these the requests are read for as long as they come; all other calls end with a refusal.
_LASTING = frozenset({"/edgerank.v1.Fleet/Connect", "/edgerank.v1.Query/WatchSweep"})

Context = grpc.aio.ServicerContext[bytes, bytes]


class _Swallower(grpc.GenericRpcHandler):
    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        lasts = str(handler_call_details.method) in _LASTING
        return grpc.stream_stream_rpc_method_handler(_swallow if lasts else _refuse)


async def _swallow(requests: AsyncIterator[bytes], context: Context) -> None:  # noqa: ARG001
    async for _request in requests:
        pass
    await asyncio.Event().wait()


async def _refuse(requests: AsyncIterator[bytes], context: Context) -> None:  # noqa: ARG001
    await context.abort(grpc.StatusCode.UNAUTHENTICATED, "nobody is here")


async def _serve() -> None:
    with tempfile.TemporaryDirectory() as folder:
        authorities = Authorities(Path(folder) / "access")
    shown = authorities.server
    credentials = grpc.ssl_server_credentials([(shown.key, shown.chain)])
    server = grpc.aio.server(options=[("grpc.max_receive_message_length", -1)])
    server.add_generic_rpc_handlers((_Swallower(),))
    host = own_address()
    places = [f"{host}:{server.add_secure_port(f'{host}:0', credentials)}" for _ in range(2)]
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await server.start()
    sys.stdout.write(json.dumps([*places, authorities.certificate_pem()]) + "\n")
    sys.stdout.flush()
    await stop.wait()
    await server.stop(None)


if __name__ == "__main__":
    take_leftovers()
    asyncio.run(_serve())
