"""A link of so much delay and so many bytes a second, as a process of its own.

    python -m tests.benchmarks.fleet.delayed_link TARGET_PORT ROUND_TRIP_MS BYTES_PER_S

It prints where it listens on loopback and leads to the port. Bytes go one after another, as fast as
the link is; each arrives half a round trip after it went. The link takes in what fits on it, and
then nothing until something has arrived: who sends through it is held up as on a real one.
"""

import asyncio
import math
import sys
from asyncio import StreamReader, StreamWriter
from collections import deque
from contextlib import suppress
from typing import Final

_AT_ONCE_BYTES: Final = 256 << 10


class _Way:
    """One way of a connection: what comes in goes out later."""

    def __init__(self, delay_s: float, bytes_per_s: float) -> None:
        self._delay_s = delay_s
        self._bytes_per_s = bytes_per_s
        self._fits_bytes = 2 * delay_s * bytes_per_s + 2 * _AT_ONCE_BYTES
        self._under_way: deque[tuple[float, bytes]] = deque()
        self._under_way_bytes = 0
        self._changed = asyncio.Condition()

    async def carry(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Carry until one end is gone."""
        taking = asyncio.create_task(self._take(reader))
        with suppress(OSError):
            await self._give(writer)
        taking.cancel()
        writer.close()

    async def _take(self, reader: StreamReader) -> None:
        loop, free_at_s, data = asyncio.get_running_loop(), 0.0, b"?"
        while data:
            try:
                data = await reader.read(_AT_ONCE_BYTES)
            except OSError:
                data = b""
            free_at_s = max(free_at_s, loop.time()) + len(data) / self._bytes_per_s
            async with self._changed:
                await self._changed.wait_for(lambda: self._under_way_bytes <= self._fits_bytes)
                self._under_way.append((free_at_s + self._delay_s, data))
                self._under_way_bytes += len(data)
                self._changed.notify_all()

    async def _give(self, writer: StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        while True:
            async with self._changed:
                await self._changed.wait_for(lambda: len(self._under_way) > 0)
                at_s, data = self._under_way[0]
            if not data:
                return
            await asyncio.sleep(at_s - loop.time())
            writer.write(data)
            await writer.drain()
            async with self._changed:
                self._under_way.popleft()
                self._under_way_bytes -= len(data)
                self._changed.notify_all()


async def serve(target_port: int, round_trip_ms: float, bytes_per_s: float) -> None:
    """Lead there until the process is ended."""
    delay_s = round_trip_ms / 2_000

    async def lead(reader: StreamReader, writer: StreamWriter) -> None:
        there = await asyncio.open_connection("127.0.0.1", target_port, limit=2 * _AT_ONCE_BYTES)
        await asyncio.gather(
            _Way(delay_s, bytes_per_s).carry(reader, there[1]),
            _Way(delay_s, bytes_per_s).carry(there[0], writer),
        )

    server = await asyncio.start_server(lead, "127.0.0.1", 0, limit=2 * _AT_ONCE_BYTES)
    sys.stdout.write(f"listening on 127.0.0.1:{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]) or math.inf))
