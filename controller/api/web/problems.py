"""What went wrong, as problem documents of RFC 9457: the one table of HTTP statuses is here."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException

from controller.api.web.callers import tell_refused
from controller.domain.errors import EdgerankError, ErrorCode, Refused
from controller.views.reasons import sentences
from protos.log_lines import event_log
from protos.names import printable

log = event_log(__name__)

MEDIA_TYPE: Final = "application/problem+json"

HTTP_STATUSES: Final[Mapping[ErrorCode, HTTPStatus]] = {
    ErrorCode.INVALID_INPUT: HTTPStatus.BAD_REQUEST,
    ErrorCode.UNKNOWN_NAME: HTTPStatus.NOT_FOUND,
    ErrorCode.NAME_TAKEN: HTTPStatus.CONFLICT,
    ErrorCode.NOTHING_FOUND: HTTPStatus.NOT_FOUND,
    ErrorCode.PRECONDITION: HTTPStatus.CONFLICT,
    ErrorCode.OUT_OF_RANGE: HTTPStatus.BAD_REQUEST,
    ErrorCode.UNREACHABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    ErrorCode.STORAGE: HTTPStatus.INSUFFICIENT_STORAGE,
    ErrorCode.DAMAGED: HTTPStatus.INTERNAL_SERVER_ERROR,
    ErrorCode.EXECUTION: HTTPStatus.INTERNAL_SERVER_ERROR,
    ErrorCode.REGRESSION: HTTPStatus.INTERNAL_SERVER_ERROR,
    ErrorCode.UNKNOWN_CALLER: HTTPStatus.UNAUTHORIZED,
    ErrorCode.NOT_ALLOWED: HTTPStatus.FORBIDDEN,
    ErrorCode.LIMIT: HTTPStatus.TOO_MANY_REQUESTS,
}

_HEADERS: Final[Mapping[ErrorCode, Mapping[str, str]]] = {
    ErrorCode.UNKNOWN_CALLER: {"WWW-Authenticate": 'Bearer realm="edgerank"'},
    ErrorCode.LIMIT: {"Retry-After": "1"},
    ErrorCode.UNREACHABLE: {"Retry-After": "5"},
}
# Of HTTP's own failures: no route, no such method, a body that is too long.
_CODES: Final[Mapping[int, ErrorCode]] = {
    HTTPStatus.NOT_FOUND: ErrorCode.UNKNOWN_NAME,
    HTTPStatus.UNAUTHORIZED: ErrorCode.UNKNOWN_CALLER,
    HTTPStatus.FORBIDDEN: ErrorCode.NOT_ALLOWED,
    HTTPStatus.TOO_MANY_REQUESTS: ErrorCode.LIMIT,
}
_MOST_FAULTS: Final = 20


class Fault(BaseModel):
    """What is wrong with one part of a request."""

    model_config = ConfigDict(extra="forbid")

    where: str
    """The part, as in query.limit or body.device."""
    detail: str
    """What is wrong with it."""


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    model_config = ConfigDict(extra="forbid")

    type: str
    """The kind of failure as a URI, urn:edgerank:problem:CODE."""
    title: str
    """The kind of failure in words."""
    status: int
    """The HTTP status."""
    detail: str
    """One sentence: what happened, to what, what to do next."""
    code: str
    """The kind of failure, as in every other answer of edgerank."""
    faults: list[Fault] = []
    """What is wrong with which part of the request."""


class ProblemResponse(JSONResponse):
    """A problem document."""

    media_type = MEDIA_TYPE

    def __init__(
        self,
        code: ErrorCode,
        detail: str,
        *,
        status: int | None = None,
        faults: tuple[Fault, ...] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """`status` is that of the code unless HTTP itself says another."""
        sent = HTTP_STATUSES[code] if status is None else status
        problem = Problem(
            type=f"urn:edgerank:problem:{code.value}",
            title=code.value.replace("_", " ").capitalize(),
            status=sent,
            detail=printable(detail),
            code=code.value,
            faults=list(faults),
        )
        all_headers = {**_HEADERS.get(code, {}), **(headers or {})}
        super().__init__(problem.model_dump(mode="json"), sent, all_headers)


def add_problems(app: FastAPI) -> None:
    """Answers every failure of an application by a problem document."""
    app.add_exception_handler(EdgerankError, _failed)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, answer_of_http)
    app.add_exception_handler(Exception, _defect)


def problem_of(error: EdgerankError) -> ProblemResponse:
    """The document of a failure."""
    detail = sentences(error.reasons) if isinstance(error, Refused) else str(error)
    return ProblemResponse(error.code, detail)


async def _failed(request: Request, error: Exception) -> Response:
    assert isinstance(error, EdgerankError)
    await tell_refused(request, error)
    return problem_of(error)


async def _invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    faults = tuple(map(_fault, error.errors()[:_MOST_FAULTS]))
    told = "; ".join(f"{fault.where}: {fault.detail}" for fault in faults[:3])
    return ProblemResponse(
        ErrorCode.INVALID_INPUT,
        f"this cannot be asked ({told}); what can stands in /api/v1/openapi.json",
        faults=faults,
    )


async def answer_of_http(_request: Request, error: Exception) -> Response:
    """The problem document of what HTTP itself refuses: no such path, no such method."""
    assert isinstance(error, HTTPException)
    code = _CODES.get(error.status_code, ErrorCode.INVALID_INPUT)
    return ProblemResponse(code, error.detail, status=error.status_code, headers=error.headers)


async def _defect(_request: Request, error: Exception) -> Response:
    # The edge where a defect of ours must become a status.
    log.error("a request failed", exc_info=error)
    return ProblemResponse(ErrorCode.EXECUTION, "the controller failed at this; its log says why")


def _fault(found: Mapping[str, Any]) -> Fault:
    where = ".".join(map(str, found["loc"]))
    return Fault(where=printable(where)[:200], detail=printable(str(found["msg"]))[:300])
