"""Gives the bytes of artifacts, and has those made again that rotted in the store."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from obstore.store import LocalStore

from controller.domain.errors import EdgerankError, ErrorCode
from controller.state.artifacts import backbones_of
from controller.state.blobs import BlobDamaged, damage_of, put_aside, read_blob
from controller.state.database import Database
from controller.sweeps.lifecycle import Sweeps
from protos.log_lines import event_log

log = event_log(__name__)


class StoredArtifacts:
    """What agents fetch. No damaged artifact is given whole, and none stays damaged.

    What is found damaged is put aside; the jobs that need it wait until it is made again by what it
    was made of, and their turns are queued as before.
    """

    def __init__(self, database: Database, blobs: LocalStore, sweeps: Sweeps) -> None:
        self._database = database
        self._blobs = blobs
        self._sweeps = sweeps
        # Several agents may find the same, and one that is late must not put what is new aside.
        self._one_at_a_time = asyncio.Lock()

    async def read(
        self, sha256: str, offset_bytes: int, chunk_bytes: int
    ) -> AsyncGenerator[memoryview, None]:
        """The bytes of an artifact from an offset on, in chunks of at most `chunk_bytes`.

        Raises:
            EdgerankError: UNKNOWN_NAME for a digest that no artifact has, OUT_OF_RANGE for an
                offset past the end, DAMAGED when it is made again.
        """
        try:
            reading = read_blob(self._blobs, sha256, offset_bytes, chunk_bytes)
            async with aclosing(reading) as chunks:
                async for chunk in chunks:
                    yield chunk
        except BlobDamaged as damage:
            await self.check(sha256)
            raise EdgerankError(
                ErrorCode.DAMAGED,
                f"the stored artifact {sha256[:12]} is damaged ({damage}) and made again",
            ) from damage

    async def check(self, sha256: str) -> None:
        """Looks at all of an artifact's bytes, and has it made again if they are damaged.

        Raises:
            EdgerankError: UNKNOWN_NAME for a digest that no artifact has.
        """
        backbones = await asyncio.to_thread(backbones_of, self._database, sha256)
        if not backbones:
            raise EdgerankError(ErrorCode.UNKNOWN_NAME, f"no artifact has the digest {sha256!r}")
        async with self._one_at_a_time:
            damage = await damage_of(self._blobs, sha256)
            if not damage:
                return
            log.error(
                "a stored artifact is damaged; it is put aside and made again",
                sha256=sha256,
                backbones=", ".join(backbones),
                why=damage,
            )
            try:
                await put_aside(self._blobs, sha256)
            except EdgerankError as error:
                # What is made takes its place, or says what the disk says.
                log.error("a damaged artifact could not be put aside", sha256=sha256, error=error)
            await self._sweeps.convert_again(sha256)
