"""What the web application is given of its controller, and how a route comes by it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from controller.access.administration import Administration
from controller.api.queries import Queries
from controller.api.rpc.guard import Guard
from controller.api.web.pages.ground.chart_code import ChartCode
from controller.api.web.pages.ground.sessions import Sessions
from controller.fleet.agents import Fleet
from controller.fleet.changes import Changes
from controller.fleet.clock import Clock
from controller.state.database import Database
from controller.sweeps.lifecycle import Sweeps
from controller.sweeps.retrying import Retrying
from controller.sweeps.steering import Steering
from models.catalog.catalog import Catalog


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What the web application is given of its controller.

    Attributes:
        guard: who asks, and what they may.
        queries: answers what is asked.
        sweeps: plans, starts, watches and cancels sweeps.
        steering: pauses, resumes and edits them.
        fleet: the agents at work.
        changes: lets who follows something wait for the next change.
        database: what is remembered.
        clock: what time it is.
        open_to_all: whether everybody may do everything.
        is_encrypted: whether it is served with TLS.
        catalog: what is known of backbones.
        administration: lets devices join.
        retrying: starts sweeps of what others left undone.
        sessions: who is signed in.
        chart_code: draws the charts of pages.
        hosts: the names and addresses, besides those of loopback, under which it is asked for.
        stopping: set when the controller stops; what follows something ends then.
    """

    guard: Guard
    queries: Queries
    sweeps: Sweeps
    steering: Steering
    fleet: Fleet
    changes: Changes
    database: Database
    clock: Clock
    open_to_all: bool
    is_encrypted: bool
    catalog: Catalog
    administration: Administration
    retrying: Retrying
    sessions: Sessions
    chart_code: ChartCode = field(default_factory=ChartCode)
    hosts: frozenset[str] = frozenset()
    stopping: asyncio.Event = field(default_factory=asyncio.Event)


def parts_of(request: Request) -> Parts:
    """What the application that answers a request was given."""
    parts = request.app.state.parts
    assert isinstance(parts, Parts)
    return parts


Given = Annotated[Parts, Depends(parts_of)]
"""A parameter of a route: what the application was given."""
