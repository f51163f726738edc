"""What gRPC by itself holds for an idle stream: a server that does nothing else, TLS both ways."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import grpc
import psutil
from cryptography.hazmat.primitives.serialization import Encoding

from agent.link.channels import secure_channel
from agent.link.identity import Identity, new_request
from controller.access.certificates import member_certificate, new_authority, server_identity

STREAMS = 400
# The first pay for what all share.
_BEFORE = 20
_AT_ONCE = 20
_GREETING = b"h" * 2_000
_ANSWER = b"w" * 20


def bare_stream_bytes() -> float:
    """What a server process holds more for each of some idle streams, bytes."""
    with subprocess.Popen(
        [sys.executable, "-m", __name__], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        papers = json.loads(process.stdout.readline())
        try:
            return asyncio.run(_measured(papers, psutil.Process(process.pid)))
        finally:
            process.kill()


async def _measured(papers: dict[str, Any], server: psutil.Process) -> float:
    identity = Identity(
        device_id="device",
        key_pem=papers["key"],
        certificate_pem=papers["certificate"],
        authority_pem=papers["authority"],
        addresses=(),
        fleet_port=papers["port"],
        renew_after_ms=0,
        token_sha256="",
    )
    async with AsyncExitStack() as held:

        async def one() -> None:
            address = f"127.0.0.1:{papers['port']}"
            channel = secure_channel(address, identity.authority_pem, identity)
            await held.enter_async_context(channel)
            call: Any = channel.stream_stream("/bare/Connect")()
            held.callback(call.cancel)
            await call.write(_GREETING)
            await call.read()

        await asyncio.gather(*(one() for _ in range(_BEFORE)))
        before_bytes = server.memory_info().rss
        for _ in range(STREAMS // _AT_ONCE):
            await asyncio.gather(*(one() for _ in range(_AT_ONCE)))
        return float(server.memory_info().rss - before_bytes) / STREAMS


class _Answering(grpc.GenericRpcHandler):
    """Answers the first message of each stream, and waits."""

    def service(self, _details: grpc.HandlerCallDetails) -> Any:
        """Every method alike."""
        return grpc.stream_stream_rpc_method_handler(_answer)


async def _answer(requests: AsyncIterator[bytes], context: Any) -> None:
    async for _request in requests:
        await context.write(_ANSWER)


async def _serve() -> None:
    authority = new_authority(None)
    key, certificate = server_identity(authority)
    trusted = authority.certificate.public_bytes(Encoding.PEM)
    credentials = grpc.ssl_server_credentials([(key, certificate + trusted)], trusted, True)
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((_Answering(),))
    port = server.add_secure_port("127.0.0.1:0", credentials)
    await server.start()
    request = new_request()
    ends_unix_ms = int(1_000 * (time.time() + 86_400))
    issued = member_certificate(authority, request.request_der, "device", ends_unix_ms)
    papers = {
        "port": port,
        "authority": trusted.decode(),
        "key": request.key_pem,
        "certificate": issued.pem.decode(),
    }
    sys.stdout.write(json.dumps(papers) + "\n")
    sys.stdout.flush()
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(_serve())
