"""The pages of sweeps: those there are, how far one is, and a new one with its plan."""

import asyncio
import uuid
from collections.abc import Sequence
from typing import Final
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from controller.api.web.pages.ground.links import sweep_link
from controller.api.web.pages.ground.site import changed, changing, page
from controller.api.web.pages.new_sweep import joined_fields, read_sweep
from controller.api.web.parts import parts_of
from controller.domain.errors import EdgerankError, ErrorCode, Refused
from controller.domain.measurements import MeasurementFilter, Verdict
from controller.domain.sweeps import RUNNING_PHASES, SweepPhase, SweepSnapshot, SweepSummary
from controller.views.reasons import sentences
from controller.views.reasons.folding import left_out_lines
from models.catalog.precisions import Precision
from protos.runtimes import Runtime

_LISTED: Final = 100
_SHOWN: Final = 200
_CONVERTED: Final = 12


def add_sweeps(router: APIRouter) -> None:
    """Add the pages of sweeps to the router."""
    _add_list(router)
    _add_new(router)
    _add_one(router)
    _add_changes(router)


def _add_list(router: APIRouter) -> None:
    @router.get("/sweeps")
    async def sweeps(request: Request) -> Response:
        found = await parts_of(request).queries.sweeps()
        return await page(
            request, "sweeps/list.html", sweeps=found[:_LISTED], sweep_count=len(found)
        )


def _add_new(router: APIRouter) -> None:
    @router.get("/sweeps/new")
    async def new(request: Request) -> Response:
        asked = joined_fields(request.query_params.multi_items())
        plan, problem, left_out = None, "", []
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
        sweep_id = await parts_of(request).queries.sweep_id(wanted)
        summary = _found(await parts_of(request).queries.sweeps(), sweep_id)
        snapshot = await parts_of(request).sweeps.snapshot(sweep_id)
        measured = await parts_of(request).queries.measurements(
            MeasurementFilter(sweep_id=sweep_id)
        )
        outcomes = [each for each in snapshot.ended if not each.is_sentinel]
        failed = [each for each in outcomes if each.verdict is Verdict.FAILED]
        return await page(
            request,
            "sweeps/one.html",
            sweep=summary,
            snapshot=snapshot,
            is_running=snapshot.phase in RUNNING_PHASES,
            changes=_changes(snapshot, has_failures=bool(failed)),
            outcomes=outcomes[-_SHOWN:],
            outcome_count=len(outcomes),
            failed=failed[:_SHOWN],
            failed_count=len(failed),
            measurements={each.job_id: each for each in measured},
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


def _found(sweeps: Sequence[SweepSummary], sweep_id: str) -> SweepSummary:
    for each in sweeps:
        if each.sweep_id == sweep_id:
            return each
    raise EdgerankError(ErrorCode.UNKNOWN_NAME, "this sweep is not there any more")
