"""The pages of sweeps: those there are, how far one is, and a new one with its plan."""

import asyncio
import uuid
from collections.abc import Sequence
from typing import Final
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from controller.api.web.pages.asking.question import check_names
from controller.api.web.pages.ground.links import sweep_link
from controller.api.web.pages.ground.site import changed, changing, page
from controller.api.web.pages.new_sweep import FIELDS, joined_fields, read_sweep
from controller.api.web.parts import Parts, parts_of
from controller.domain.errors import EdgerankError, ErrorCode, Refused
from controller.domain.sweeps import RUNNING_PHASES, SweepPhase, SweepSnapshot, SweepSummary
from controller.state.measurements.of_sweep import newest_failures, newest_outcomes
from controller.state.sweeps import list_sweeps
from controller.views.reasons import sentences
from controller.views.reasons.folding import left_out_lines
from models.catalog.precisions import Precision
from protos.runtimes import Runtime

_LISTED: Final = 50
_SHOWN: Final = 50
_FAILED: Final = 20
_LONGEST_NUMBER: Final = 15
_CONVERTED: Final = 12
_PAGED: Final = ("before",)


def add_sweeps(router: APIRouter) -> None:
    """Add the pages of sweeps to the router."""
    _add_list(router)
    _add_new(router)
    _add_one(router)
    _add_changes(router)


def _add_list(router: APIRouter) -> None:
    @router.get("/sweeps")
    async def sweeps(request: Request) -> Response:
        parts = parts_of(request)
        check_names(request.query_params, _PAGED)
        asked = request.query_params.get("before", "")
        before = await _meant(request, asked) if asked else None
        found = await parts.queries.listed(
            list_sweeps, parts.database, behind=before, most=_LISTED + 1
        )
        return await page(
            request,
            "sweeps/list.html",
            sweeps=found[:_LISTED],
            before=before,
            older=found[_LISTED - 1].sweep_id if len(found) > _LISTED else None,
        )


def _add_new(router: APIRouter) -> None:
    @router.get("/sweeps/new")
    async def new(request: Request) -> Response:
        asked = joined_fields(request.query_params.multi_items())
        plan, problem, left_out = None, "", []
        check_names(request.query_params, FIELDS)
        if "models" in asked:
            try:
                spec = await asyncio.to_thread(read_sweep, asked, parts_of(request).catalog)
                plan = await parts_of(request).sweeps.preview(spec, with_jobs=False)
                left_out = list(left_out_lines(plan.left_out))
            except Refused as error:
                problem = sentences(error.reasons)
            except EdgerankError as error:
                problem = str(error)
        return await page(
            request,
            "sweeps/new.html",
            status=400 if problem else 200,
            asked=asked,
            plan=plan,
            problem=problem,
            left_out=left_out,
            shown_to_convert=_CONVERTED,
            devices=await parts_of(request).queries.devices(),
            backbones=[each.name for each in parts_of(request).catalog],
            runtimes=Runtime,
            precisions=Precision,
            request_id=uuid.uuid4().hex,
        )

    @router.post("/sweeps")
    async def start(request: Request) -> Response:
        caller, form = await changing(request)
        asked = joined_fields(parse_qsl((await request.body()).decode("utf-8", "replace")))
        spec = await asyncio.to_thread(read_sweep, asked, parts_of(request).catalog)
        started = await parts_of(request).sweeps.start(
            spec, caller.person, form.get("request_id", "")
        )
        await changed(request, started.sweep_id)
        return RedirectResponse(sweep_link(started.sweep_id), 303)


def _add_one(router: APIRouter) -> None:
    @router.get("/sweeps/{wanted}")
    async def sweep(request: Request, wanted: str) -> Response:
        parts = parts_of(request)
        check_names(request.query_params, _PAGED)
        sweep_id = await parts.queries.sweep_id(wanted)
        before = _number(request, "before")
        # First how far it is: what has ended by then is among what is read afterwards.
        snapshot = await parts.sweeps.standing(sweep_id)
        summary = await _summary(parts, sweep_id)
        outcomes = await parts.queries.listed(
            newest_outcomes, parts.database, sweep_id, before=before, count=_SHOWN
        )
        failed = await parts.queries.listed(newest_failures, parts.database, sweep_id, _FAILED)
        return await page(
            request,
            "sweeps/one.html",
            sweep=summary,
            snapshot=snapshot,
            is_running=snapshot.phase in RUNNING_PHASES,
            changes=_changes(snapshot, has_failures=bool(summary.jobs_failed)),
            outcomes=outcomes,
            before=before,
            failed=failed,
            left_out=list(left_out_lines(snapshot.left_out)),
        )


def _add_changes(router: APIRouter) -> None:
    @router.post("/sweeps/{sweep_id}/pause")
    async def pause(request: Request, sweep_id: str) -> Response:
        caller, _ = await changing(request)
        await parts_of(request).steering.pause(await _meant(request, sweep_id), caller.person)
        return await _done(request, sweep_id)

    @router.post("/sweeps/{sweep_id}/resume")
    async def resume(request: Request, sweep_id: str) -> Response:
        await changing(request)
        await parts_of(request).steering.resume(await _meant(request, sweep_id))
        return await _done(request, sweep_id)

    @router.post("/sweeps/{sweep_id}/cancel")
    async def cancel(request: Request, sweep_id: str) -> Response:
        await changing(request)
        await parts_of(request).sweeps.cancel(await _meant(request, sweep_id))
        return await _done(request, sweep_id)

    @router.post("/sweeps/{sweep_id}/retry")
    async def retry(request: Request, sweep_id: str) -> Response:
        caller, _ = await changing(request)
        meant = await _meant(request, sweep_id)
        retried = await parts_of(request).retrying.retry(meant, caller.person, only_failed=False)
        return await _done(request, retried.sweep.sweep_id)


def _changes(snapshot: SweepSnapshot, *, has_failures: bool) -> Sequence[tuple[str, str, str]]:
    """What may be done to a sweep now: the way, what it is called, and how it looks."""
    if snapshot.phase in RUNNING_PHASES:
        is_paused = snapshot.paused is not None
        first = ("resume", "Resume", "") if is_paused else ("pause", "Pause", "quiet")
        return first, ("cancel", "Cancel", "danger")
    is_undone = has_failures or snapshot.phase is SweepPhase.CANCELLED
    return (("retry", "Retry what is undone", "quiet"),) if is_undone else ()


async def _meant(request: Request, wanted: str) -> str:
    return await parts_of(request).queries.sweep_id(wanted)


async def _done(request: Request, sweep_id: str) -> Response:
    await changed(request, sweep_id)
    return RedirectResponse(sweep_link(sweep_id), 303)


async def _summary(parts: Parts, sweep_id: str) -> SweepSummary:
    found = await parts.queries.listed(list_sweeps, parts.database, sweep_id=sweep_id)
    if not found:
        raise EdgerankError(ErrorCode.UNKNOWN_NAME, "this sweep is not there any more")
    return found[0]


def _number(request: Request, name: str) -> int | None:
    """A whole number of the address, which a page of ours wrote; None without it."""
    text = request.query_params.get(name, "")
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= _LONGEST_NUMBER):
        raise EdgerankError(
            ErrorCode.INVALID_INPUT, f"{name} is no number; open the page without it"
        )
    return int(text)
