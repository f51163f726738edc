"""What callers ask of the converter, and whom it tells."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from controller.domain.conversions import ConversionOutcome
from controller.domain.sweeps import Activity
from models.catalog.catalog import Backbone
from models.catalog.variants import Variant, WeightsKind
from models.conversion.pipeline import Cancellation, ForkServers

Fate: TypeAlias = tuple[Variant, ConversionOutcome, str]
"""A variant, what became of it, and its artifact's conversion key, empty without any."""
OnOutcome = Callable[[Variant, ConversionOutcome, str], Awaitable[None]]
OnActivity = Callable[[Activity], None]


@dataclass(frozen=True)
class Listener:
    """Whom a conversion tells: each variant's outcome with its key, and what goes on now."""

    on_outcome: OnOutcome
    on_activity: OnActivity

    async def tell_each(self, news: asyncio.Queue[Fate | None]) -> None:
        """Tells of each outcome that comes, until None does."""
        while (fate := await news.get()) is not None:
            await self.on_outcome(*fate)


@dataclass(frozen=True)
class Request:
    """The variants of one backbone that one caller wants.

    Artifacts are kept while `spare_disk_bytes` stay free: the room to work on whatever else the
    caller wants.
    """

    backbone: Backbone
    variants: tuple[Variant, ...]
    kind: WeightsKind
    listener: Listener
    cancellation: Cancellation
    servers: ForkServers
    spare_disk_bytes: int
