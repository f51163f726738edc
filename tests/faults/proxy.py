"""A TCP proxy between an agent and its controller, on which the network's faults happen."""

import asyncio
from contextlib import suppress
from enum import Enum
from typing import Final

_CHUNK_BYTES: Final = 16_384
_SLOW_CHUNK_S: Final = 0.03


class Way(Enum):
    """Where bytes go."""

    UP = "to the controller"
    DOWN = "to the agent"


class Link:
    """One port that leads to a controller, or to nobody.

    Attributes:
        target: HOST and port of the controller; None while there is none, so that who connects is
            hung up on.
        is_slow: whether every few kilobytes take a while.
        dead: the way on which nothing arrives any more.
        cut_after_bytes: so many more bytes reach the agent, then everything is cut.
        forgets: what a request has in it of which the controller hears, and whose answer nobody
            hears, nor any later one; None loses nothing.
    """

    def __init__(self) -> None:
        self.target: tuple[str, int] | None = None
        self.is_slow = False
        self.is_refusing = False
        self.dead: Way | None = None
        self.cut_after_bytes: int | None = None
        self.forgets: bytes | None = None
        self.port = 0
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._carrying: set[asyncio.Task[None]] = set()

    async def open(self, host: str, port: int) -> None:
        """Listen; port 0 takes any free one."""
        self._server = await asyncio.start_server(self._accept, host, port)
        self.port = self._server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """End every connection, as a reset does; bytes that are under way are lost."""
        self.cut_after_bytes = None
        for writer in tuple(self._open):
            writer.transport.abort()

    def heal(self) -> None:
        """Be a link again; a connection of which bytes were lost is none."""
        if self.dead is not None:
            self.cut()
        self.is_slow, self.is_refusing, self.dead = False, False, None

    async def close(self) -> None:
        """Listen no more."""
        self.cut()
        if self._server is not None:
            self._server.close()
        for task in tuple(self._carrying):
            task.cancel()
        await asyncio.gather(*self._carrying, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._carrying.add(task)
        self._open.add(writer)
        try:
            if self.target is not None and not self.is_refusing:
                with suppress(OSError):
                    await self._carry(reader, writer, self.target)
        finally:
            writer.transport.abort()
            self._open.discard(writer)
            self._carrying.discard(task)

    async def _carry(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        target: tuple[str, int],
    ) -> None:
        upstream_reader, upstream_writer = await asyncio.open_connection(*target)
        self._open.add(upstream_writer)
        pumps = {
            asyncio.create_task(self._pump(reader, upstream_writer, Way.UP)),
            asyncio.create_task(self._pump(upstream_reader, writer, Way.DOWN)),
        }
        try:
            # HTTP/2 ends both ways at once.
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            upstream_writer.transport.abort()
            self._open.discard(upstream_writer)

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: Way
    ) -> None:
        with suppress(OSError):
            while chunk := await reader.read(_CHUNK_BYTES):
                if self.is_slow:
                    await asyncio.sleep(_SLOW_CHUNK_S)
                if way is Way.UP and self.forgets is not None and self.forgets in chunk:
                    self.dead, self.forgets = Way.DOWN, None
                if self.dead is way:
                    continue
                if way is Way.DOWN and self._is_cut_by(len(chunk)):
                    return
                writer.write(chunk)
                await writer.drain()

    def _is_cut_by(self, size_bytes: int) -> bool:
        if self.cut_after_bytes is None:
            return False
        self.cut_after_bytes -= size_bytes
        if self.cut_after_bytes > 0:
            return False
        self.cut()
        return True
