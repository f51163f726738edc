"""Fetch a large file over HTTPS once: resumed when cut, checked for length, renamed when whole."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import httpx
import tenacity

from models.files import put_in_place

ATTEMPTS = 5
FIRST_WAIT_S = 0.5
MAX_WAIT_S = 15.0

Progress = Callable[[int, int | None], None]
"""Called with bytes on disk and bytes in total, None where the server does not say."""
Fetch = Callable[[str, Path, Progress], None]
"""Brings what is at an address to a path, or raises `DownloadFailed`."""

_TIMEOUT = httpx.Timeout(30.0, connect=10.0)


class DownloadFailed(Exception):
    """A file could not be fetched; the message says why in one phrase."""


class _Unfinished(Exception):
    """An attempt ended early in a way that another attempt may mend."""


def download(
    address: str, path: Path, on_progress: Progress, first_wait_s: float = FIRST_WAIT_S
) -> None:
    """Fetch `address` to `path`, from where an earlier attempt stopped.

    The bytes grow in `<path>.part`; what they belong to stands in `<path>.validator`, and a
    server whose file has changed since sends it anew. A file that is there already is replaced.
    Only one caller at a time may fetch to one path.

    Args:
        address: https, or http on a loopback host.
        path: the file to write; its folder exists.
        on_progress: told of every block, and before each attempt; what it raises ends the download.
        first_wait_s: wait before the second attempt, seconds; it doubles each time.

    Raises:
        DownloadFailed: no network, a status that is no success, or no room.
    """
    retrying = tenacity.Retrying(
        stop=tenacity.stop_after_attempt(ATTEMPTS),
        wait=tenacity.wait_exponential(multiplier=first_wait_s, max=MAX_WAIT_S),
        retry=tenacity.retry_if_exception(_may_mend),
        reraise=True,
    )
    try:
        with _client() as client:
            retrying(_attempt, client, address, path, on_progress)
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        host = httpx.URL(address).host
        raise DownloadFailed(f"{host} cannot be reached ({error})") from error
    except (httpx.HTTPError, httpx.InvalidURL, _Unfinished) as error:
        raise DownloadFailed(str(error) or type(error).__name__) from error
    except OSError as error:
        raise DownloadFailed(f"cannot write {path}: {error.strerror}") from error


def _may_mend(error: BaseException) -> bool:
    # An address that is not https stays so.
    if isinstance(error, httpx.UnsupportedProtocol):
        return False
    return isinstance(error, httpx.TransportError | _Unfinished)


def _client() -> httpx.Client:
    return httpx.Client(
        timeout=_TIMEOUT,
        follow_redirects=True,
        event_hooks={"request": [_refuse_plain_http]},
        # A proxy cannot reach this machine's own loopback.
        mounts={"all://127.0.0.1": None, "all://localhost": None, "all://[::1]": None},
        headers={"Accept-Encoding": "identity"},
    )


def _refuse_plain_http(request: httpx.Request) -> None:
    # Runs for redirects as well.
    if request.url.scheme != "https" and not _is_loopback(request.url.host):
        raise httpx.UnsupportedProtocol(f"{request.url} is not https", request=request)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _attempt(client: httpx.Client, address: str, path: Path, on_progress: Progress) -> None:
    part = path.with_name(f"{path.name}.part")
    validator = path.with_name(f"{path.name}.validator")
    # Whoever gave the file up meanwhile ends it here.
    on_progress(part.stat().st_size if part.exists() else 0, None)
    with client.stream("GET", address, headers=_resume_headers(part, validator)) as response:
        offset = _accept(response, part, validator)
        total = _total_bytes(response, offset)
        with part.open("ab") as stream:
            stream.truncate(offset)
            _receive(response, stream, offset, total, on_progress)
    if total is not None and part.stat().st_size != total:
        raise _Unfinished(f"only {part.stat().st_size} of {total} bytes came")
    put_in_place(part, path)
    validator.unlink(missing_ok=True)


def _resume_headers(part: Path, validator: Path) -> dict[str, str]:
    """Ask for the rest, but only of the very file that the first bytes came from."""
    if not (part.exists() and part.stat().st_size and validator.exists()):
        return {}
    return {"Range": f"bytes={part.stat().st_size}-", "If-Range": validator.read_text()}


def _accept(response: httpx.Response, part: Path, validator: Path) -> int:
    """Return the offset that the response's body starts at.

    Raises:
        _Unfinished: the server is busy, or has no such range: the next attempt may succeed.
        httpx.HTTPStatusError: it will not give the file.
    """
    if response.status_code == httpx.codes.PARTIAL_CONTENT:
        start = response.headers.get("Content-Range", "").removeprefix("bytes ").split("-")[0]
        if start == str(part.stat().st_size):
            return int(start)
        raise _start_over(part, "the server sent another range than asked for")
    if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
        raise _start_over(part, "the server's file is shorter than what came before")
    if response.is_server_error or response.status_code == httpx.codes.TOO_MANY_REQUESTS:
        raise _Unfinished(f"the server answers {response.status_code} {response.reason_phrase}")
    if response.is_error:
        raise httpx.HTTPStatusError(
            f"the server answers {response.status_code} {response.reason_phrase}",
            request=response.request,
            response=response,
        )
    # A weak ETag does not promise the same bytes.
    etag = response.headers.get("ETag", "")
    if etag and not etag.startswith("W/"):
        validator.write_text(etag)
    else:
        validator.unlink(missing_ok=True)
    return 0


def _start_over(part: Path, reason: str) -> _Unfinished:
    part.unlink(missing_ok=True)
    return _Unfinished(reason)


def _total_bytes(response: httpx.Response, offset: int) -> int | None:
    length = response.headers.get("Content-Length")
    return None if length is None else offset + int(length)


def _receive(
    response: httpx.Response,
    stream: BinaryIO,
    received: int,
    total: int | None,
    on_progress: Progress,
) -> None:
    # Without a block size: gathering blocks would drop the last ones of a cut connection.
    for block in response.iter_raw():
        stream.write(block)
        received += len(block)
        on_progress(received, total)
