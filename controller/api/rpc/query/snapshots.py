"""What followers are told as messages, each made once for all who are told the same one."""

import asyncio
from collections import OrderedDict
from typing import Final

from controller.api.queries import Queries
from controller.domain.devices import DeviceChanges
from controller.domain.sweeps import SweepSnapshot
from protos.codec import to_message
from protos.v1 import query_pb2

_SWEEPS: Final = 64


class SnapshotMessages:
    """The message of each sweep's newest snapshot."""

    def __init__(self) -> None:
        self._newest: OrderedDict[str, tuple[SweepSnapshot, query_pb2.WatchSweepResponse]] = (
            OrderedDict()
        )

    def message_of(self, snapshot: SweepSnapshot) -> query_pb2.WatchSweepResponse:
        """A snapshot's message, which nobody may change."""
        known = self._newest.pop(snapshot.sweep_id, None)
        if known is None or known[0] is not snapshot:
            known = snapshot, to_message(snapshot, query_pb2.WatchSweepResponse)
        self._newest[snapshot.sweep_id] = known
        if len(self._newest) > _SWEEPS:
            self._newest.popitem(last=False)
        return known[1]


class ChangesMessages:
    """The message of the newest changes of devices."""

    def __init__(self, queries: Queries) -> None:
        self._queries = queries
        self._newest: tuple[DeviceChanges, asyncio.Future[query_pb2.WatchDevicesResponse]] | None
        self._newest = None

    async def message_of(self, changes: DeviceChanges) -> query_pb2.WatchDevicesResponse:
        """The changes' message, which nobody may change; of thousands it takes a second."""
        if self._newest is None or self._newest[0] is not changes:
            making = self._queries.listed(to_message, changes, query_pb2.WatchDevicesResponse)
            self._newest = changes, asyncio.ensure_future(making)
        return await asyncio.shield(self._newest[1])
