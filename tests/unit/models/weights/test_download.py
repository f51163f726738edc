"""Downloads, against a real local server: fetched once, resumed when cut, whole or not at all."""

from __future__ import annotations

import hashlib
import http.server
import os
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from models.catalog.catalog import Backbone, load_catalog
from models.catalog.variants import WeightsKind
from models.weights.download import DownloadFailed, download
from models.weights.weights import Weights, WeightsUnavailable, WeightsUnreachable, resolve_weights

CONTENT = os.urandom(3_000_000)


@dataclass
class Shelf:
    """What the server holds and how it behaves.

    `cuts` says after how many bytes each coming answer's connection is cut.
    """

    port: int = 0
    content: bytes = CONTENT
    etag: str | None = '"one"'
    ranges: bool = True
    statuses: list[int] = field(default_factory=list)
    cuts: list[int] = field(default_factory=list)
    asked: list[str | None] = field(default_factory=list)
    sent_bytes: int = 0
    location: str | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/weights/Net_pretrained.pdparams"


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    """A server on a free port of the loopback."""
    state = Shelf()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            state.asked.append(wanted)
            status = state.statuses.pop(0) if state.statuses else 200
            if state.location:
                self.send_response(302)
                self.send_header("Location", state.location)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            if status != 200:
                self.send_error(status)
                return
            start = 0
            if wanted and state.ranges and self.headers.get("If-Range") == state.etag:
                start = int(wanted.removeprefix("bytes=").removesuffix("-"))
                status = 206
            body = state.content[start:]
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            if status == 206:
                size = len(state.content)
                self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
            if state.etag:
                self.send_header("ETag", state.etag)
            self.end_headers()
            body = body[: state.cuts.pop(0)] if state.cuts else body
            state.sent_bytes += len(body)
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield state
    server.shutdown()
    thread.join()
    server.server_close()


def fetch(shelf: Shelf, path: Path) -> list[tuple[int, int | None]]:
    told: list[tuple[int, int | None]] = []
    download(shelf.address, path, lambda *step: told.append(step), first_wait_s=0.001)
    return told


def test_a_file_is_fetched_and_its_progress_told(shelf: Shelf, tmp_path: Path) -> None:
    told = fetch(shelf, tmp_path / "net")
    assert (tmp_path / "net").read_bytes() == CONTENT
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert {path.name for path in tmp_path.iterdir()} == {"net"}


def test_a_cut_connection_is_resumed_where_it_broke(shelf: Shelf, tmp_path: Path) -> None:
    shelf.cuts = [1_000_000, 500_000]
    fetch(shelf, tmp_path / "net")
    assert (tmp_path / "net").read_bytes() == CONTENT
    assert len(shelf.asked) == 3
    assert shelf.asked[0] is None
    assert shelf.sent_bytes == len(CONTENT)


def test_a_later_process_resumes_what_an_earlier_one_began(shelf: Shelf, tmp_path: Path) -> None:
    shelf.cuts = [400_000] * 5
    with pytest.raises(DownloadFailed):
        fetch(shelf, tmp_path / "net")
    assert not (tmp_path / "net").exists()
    fetch(shelf, tmp_path / "net")
    assert (tmp_path / "net").read_bytes() == CONTENT
    assert shelf.sent_bytes == len(CONTENT)


def test_a_server_that_ignores_ranges_sends_all_anew(shelf: Shelf, tmp_path: Path) -> None:
    shelf.ranges = False
    shelf.cuts = [1_000_000]
    fetch(shelf, tmp_path / "net")
    assert (tmp_path / "net").read_bytes() == CONTENT
    assert shelf.sent_bytes == 1_000_000 + len(CONTENT)


@pytest.mark.parametrize("etag", [None, 'W/"weak"'])
def test_without_a_strong_etag_nothing_is_resumed(
    shelf: Shelf, tmp_path: Path, etag: str | None
) -> None:
    shelf.etag = etag
    shelf.cuts = [1_000_000]
    fetch(shelf, tmp_path / "net")
    assert (tmp_path / "net").read_bytes() == CONTENT
    assert shelf.asked == [None, None]


def test_halves_of_two_versions_are_never_joined(shelf: Shelf, tmp_path: Path) -> None:
    shelf.cuts = [400_000] * 5
    with pytest.raises(DownloadFailed):
        fetch(shelf, tmp_path / "net")
    shelf.content, shelf.etag = os.urandom(2_500_000), '"two"'
    fetch(shelf, tmp_path / "net")
    assert (tmp_path / "net").read_bytes() == shelf.content


def test_a_busy_server_is_asked_again(shelf: Shelf, tmp_path: Path) -> None:
    shelf.statuses = [503, 429]
    fetch(shelf, tmp_path / "net")
    assert len(shelf.asked) == 3
    assert (tmp_path / "net").read_bytes() == CONTENT


def test_a_missing_file_is_said_at_once(shelf: Shelf, tmp_path: Path) -> None:
    shelf.statuses = [404]
    with pytest.raises(DownloadFailed, match="404 Not Found"):
        fetch(shelf, tmp_path / "net")
    assert len(shelf.asked) == 1


def test_a_range_that_the_server_does_not_have_starts_over(shelf: Shelf, tmp_path: Path) -> None:
    shelf.cuts = [400_000] * 5
    with pytest.raises(DownloadFailed):
        fetch(shelf, tmp_path / "net")
    shelf.statuses = [416]
    fetch(shelf, tmp_path / "net")
    assert (tmp_path / "net").read_bytes() == CONTENT


@pytest.mark.parametrize(
    "address", ["http://example.invalid/net", "ftp://127.0.0.1x/net", "file:///etc/passwd"]
)
def test_nothing_but_https_is_fetched(address: str, tmp_path: Path) -> None:
    with pytest.raises(DownloadFailed):
        download(address, tmp_path / "net", lambda *_: None, first_wait_s=0.001)


def test_a_redirect_to_plain_http_is_not_followed(shelf: Shelf, tmp_path: Path) -> None:
    shelf.location = "http://example.invalid/net"
    with pytest.raises(DownloadFailed, match="is not https"):
        fetch(shelf, tmp_path / "net")


def test_a_folder_that_cannot_be_written_is_named(shelf: Shelf, tmp_path: Path) -> None:
    with pytest.raises(DownloadFailed, match=r"write .*absent.*No such"):
        fetch(shelf, tmp_path / "absent" / "net")


BACKBONE = load_catalog().get("MobileNetV1")


def resolve(shelf: Shelf, cache: Path, backbone: Backbone = BACKBONE) -> Weights:
    return resolve_weights(
        backbone, WeightsKind.PRETRAINED, cache, lambda *_: None, lambda _: shelf.address
    )


def test_published_weights_are_fetched_once_and_identified(shelf: Shelf, tmp_path: Path) -> None:
    first = resolve(shelf, tmp_path / "cache")
    assert first.digest == hashlib.sha256(CONTENT).hexdigest()
    assert first.size_bytes == len(CONTENT)
    assert first.source == shelf.address
    assert first.path is not None
    assert first.path.read_bytes() == CONTENT
    assert resolve(shelf, tmp_path / "cache") == first
    assert len(shelf.asked) == 1


def test_many_who_want_one_file_fetch_it_once(shelf: Shelf, tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        resolved = list(pool.map(lambda _: resolve(shelf, tmp_path), range(4)))
    assert len(set(resolved)) == 1
    assert len(shelf.asked) == 1


def test_an_altered_cache_is_fetched_again(shelf: Shelf, tmp_path: Path) -> None:
    first = resolve(shelf, tmp_path)
    assert first.path is not None
    first.path.write_bytes(b"altered")
    assert resolve(shelf, tmp_path) == first
    assert first.path.read_bytes() == CONTENT


def test_a_lost_record_is_made_again(shelf: Shelf, tmp_path: Path) -> None:
    first = resolve(shelf, tmp_path)
    (record,) = tmp_path.glob("*.json")
    record.write_text("{rubbish")
    assert resolve(shelf, tmp_path) == first


def test_weights_that_cannot_be_fetched_are_out_of_reach(shelf: Shelf, tmp_path: Path) -> None:
    shelf.statuses = [404]
    with pytest.raises(WeightsUnreachable) as caught:
        resolve(shelf, tmp_path)
    sentence = str(caught.value)
    assert " MobileNetV1 are not" in sentence
    assert sentence.endswith(" 404 Not Found")


def test_weights_that_nobody_publishes_are_not_only_out_of_reach(tmp_path: Path) -> None:
    backbone = load_catalog().get("ResNet50_vd_v2")
    with pytest.raises(WeightsUnavailable, match=r"no weights for ResNet50_vd_v2$") as caught:
        resolve_weights(backbone, WeightsKind.PRETRAINED, tmp_path, lambda *_: None)
    assert not isinstance(caught.value, WeightsUnreachable)


def test_no_listener_is_said(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}/net"
        with pytest.raises(DownloadFailed, match="Connection refused"):
            download(address, tmp_path / "net", lambda *_: None, first_wait_s=0.001)


def test_a_cache_that_is_a_file_is_said(shelf: Shelf, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("")
    with pytest.raises(WeightsUnavailable, match="cannot be used"):
        resolve(shelf, tmp_path / "cache")
