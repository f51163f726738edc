"""What a person is told where a link leads nowhere: a page, as everywhere else."""

from typing import Final

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from controller.api.web.pages.ground.policy import HEADERS
from controller.api.web.pages.ground.site import failure
from controller.api.web.problems import answer_of_http
from controller.domain.errors import EdgerankError, ErrorCode

_OF_PROGRAMS: Final = "/api/"
_NOT_FOUND: Final = 404


def add_missing(app: FastAPI) -> None:
    """Answer browsers with a page where there is none; programs keep their problem document."""

    @app.exception_handler(HTTPException)
    async def of_http(request: Request, error: HTTPException) -> Response:
        is_read = "text/html" in request.headers.get("accept", "")
        of_programs = request.url.path.startswith(_OF_PROGRAMS)
        if error.status_code != _NOT_FOUND or of_programs or not is_read:
            return await answer_of_http(request, error)
        missing = EdgerankError(ErrorCode.UNKNOWN_NAME, "there is no such page here")
        response = await failure(request, missing)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response
