"""Artifacts are in the cache whole and unaltered, or not at all."""

import hashlib
import logging
import os
import resource
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.artifacts.cache import ArtifactCache
from agent.artifacts.files import ArtifactRefused, Download, OpenArtifact

CONTENT = b"the bytes of an artifact" * 1_000
PLENTY_BYTES = 1_000_000
YEAR_S = 365 * 24 * 3_600


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def cache(tmp_path: Path) -> ArtifactCache:
    return ArtifactCache(tmp_path, PLENTY_BYTES)


def taken(artifact: OpenArtifact | None) -> bytes:
    """What a runtime would read."""
    assert artifact is not None
    with artifact:
        return artifact.path.read_bytes()


def finished(download: Download) -> bytes:
    """What a runtime would read of what has come."""
    return taken(download.finish())


def store(cache: ArtifactCache, content: bytes) -> None:
    with cache.download(digest(content), len(content)) as download:
        download.write(content)
        assert finished(download) == content


def use(cache: ArtifactCache, content: bytes) -> None:
    with cache.holding(digest(content)):
        assert taken(cache.find(digest(content))) == content


def kept(folder: Path, *contents: bytes) -> list[bytes]:
    """Those of these artifacts that are there."""
    return [each for each in contents if (folder / digest(each)).exists()]


def test_an_artifact_is_found_under_its_digest(tmp_path: Path) -> None:
    cache = ArtifactCache(tmp_path / "artifacts", PLENTY_BYTES)
    assert cache.find(digest(CONTENT)) is None
    store(cache, CONTENT)
    assert taken(cache.find(digest(CONTENT))) == CONTENT
    (path,) = (tmp_path / "artifacts").iterdir()
    assert path.name == digest(CONTENT)
    assert path.read_bytes() == CONTENT


def test_what_the_digest_was_taken_of_is_read_whatever_its_name_leads_to(
    cache: ArtifactCache, tmp_path: Path
) -> None:
    with cache.download(digest(CONTENT), len(CONTENT)) as download:
        download.write(CONTENT)
        fetched = download.finish()
    found = cache.find(digest(CONTENT))
    (tmp_path / "other").write_bytes(b"?" * len(CONTENT))
    (tmp_path / "other").replace(tmp_path / digest(CONTENT))
    assert taken(fetched) == CONTENT
    assert taken(found) == CONTENT


def test_nobody_who_is_given_an_artifact_can_change_it(cache: ArtifactCache) -> None:
    with cache.download(digest(CONTENT), len(CONTENT)) as download:
        download.write(CONTENT)
        fetched = download.finish()
    found = cache.find(digest(CONTENT))
    for each in (fetched, found):
        assert each is not None
        with each, pytest.raises(OSError, match="Bad file descriptor"):
            os.write(int(each.path.name), b"?")


@given(cuts=st.lists(st.integers(0, len(CONTENT)), max_size=5))
def test_a_download_that_breaks_off_is_resumed(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int]
) -> None:
    cache = ArtifactCache(tmp_path_factory.mktemp("cache"), PLENTY_BYTES)
    for end in sorted(cuts):
        with cache.download(digest(CONTENT), len(CONTENT)) as download:
            download.write(CONTENT[download.offset_bytes : end])
    with cache.download(digest(CONTENT), len(CONTENT)) as download:
        assert download.offset_bytes == max(cuts, default=0)
        download.write(CONTENT[download.offset_bytes :])
        assert download.complete
        assert finished(download) == CONTENT


def test_other_bytes_than_promised_are_dropped(tmp_path: Path) -> None:
    cache = ArtifactCache(tmp_path, PLENTY_BYTES)
    with cache.download(digest(CONTENT), len(CONTENT)) as download:
        download.write(CONTENT[:-1] + b"?")
        with pytest.raises(ArtifactRefused, match="other bytes"):
            download.finish()
    assert list(tmp_path.iterdir()) == []


def test_more_bytes_than_promised_are_dropped(tmp_path: Path) -> None:
    cache = ArtifactCache(tmp_path, PLENTY_BYTES)
    with (
        cache.download(digest(CONTENT), 10) as download,
        pytest.raises(ArtifactRefused, match="promised 10 bytes"),
    ):
        download.write(CONTENT)
    assert list(tmp_path.iterdir()) == []


def test_fewer_bytes_than_promised_wait_for_the_rest(tmp_path: Path) -> None:
    cache = ArtifactCache(tmp_path, PLENTY_BYTES)
    with cache.download(digest(CONTENT), len(CONTENT)) as download:
        download.write(CONTENT[:100])
        with pytest.raises(ArtifactRefused, match=f"100 of {len(CONTENT)} bytes"):
            download.finish()
    with cache.download(digest(CONTENT), len(CONTENT)) as download:
        assert download.offset_bytes == 100


def test_a_part_that_is_too_long_is_begun_anew(tmp_path: Path) -> None:
    (tmp_path / f"{digest(CONTENT)}.part").write_bytes(CONTENT + b"?")
    with ArtifactCache(tmp_path, PLENTY_BYTES).download(digest(CONTENT), len(CONTENT)) as download:
        assert download.offset_bytes == 0


def test_bytes_that_changed_on_the_disk_are_told_and_not_measured(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache = ArtifactCache(tmp_path, PLENTY_BYTES)
    store(cache, CONTENT)
    (tmp_path / digest(CONTENT)).write_bytes(CONTENT[:-1] + b"?")
    assert cache.find(digest(CONTENT)) is None
    assert list(tmp_path.iterdir()) == []
    assert digest(CONTENT)[:12] in caplog.text


def test_what_cannot_be_read_any_more_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache = ArtifactCache(tmp_path, PLENTY_BYTES)
    path = tmp_path / digest(CONTENT)
    path.mkdir()
    with pytest.raises(ArtifactRefused):
        cache.find(digest(CONTENT))
    assert path.name[:12] in caplog.text


def test_artifacts_used_longest_ago_make_room_and_that_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    cache = ArtifactCache(tmp_path, limit_bytes=300)
    contents = [bytes([number]) * 100 for number in range(4)]
    for content in contents[:3]:
        store(cache, content)
        use(cache, content)
    use(cache, contents[0])
    store(cache, contents[3])
    assert kept(tmp_path, *contents) == [contents[0], contents[2], contents[3]]
    (told,) = (line for line in caplog.messages if "made room" in line)
    assert digest(contents[1]) in told


def test_the_last_use_is_the_last_whatever_the_clock_says(tmp_path: Path) -> None:
    cache = ArtifactCache(tmp_path, limit_bytes=300)
    contents = [bytes([number]) * 100 for number in range(4)]
    for content in contents[:3]:
        store(cache, content)
    # Used when the device believed to be in another year.
    ahead_s = time.time() + 100 * YEAR_S
    for content in contents[1:3]:
        os.utime(tmp_path / digest(content), (ahead_s, ahead_s))
        ahead_s += 1
    use(cache, contents[0])
    store(cache, contents[3])
    assert kept(tmp_path, *contents) == [contents[0], contents[2], contents[3]]


def test_what_a_lease_needs_never_makes_room(tmp_path: Path) -> None:
    cache = ArtifactCache(tmp_path, limit_bytes=300)
    needed, other, new = (bytes([number]) * 150 for number in range(3))
    store(cache, needed)
    store(cache, other)
    use(cache, other)
    with cache.holding(digest(needed)):
        store(cache, new)
        assert kept(tmp_path, needed, other, new) == [needed, new]
        with cache.holding(digest(new)), pytest.raises(ArtifactRefused, match="--cache-size"):
            cache.download(digest(other), len(other))
        assert kept(tmp_path, needed, new) == [needed, new]
    # A moment later neither is needed any more; what was needed longest was used last.
    store(cache, other)
    assert kept(tmp_path, needed, other, new) == [needed, other]


def test_what_has_come_of_what_a_lease_needs_stays(tmp_path: Path) -> None:
    cache = ArtifactCache(tmp_path, limit_bytes=len(CONTENT) + 50)
    with cache.holding(digest(CONTENT)):
        with cache.download(digest(CONTENT), len(CONTENT)) as download:
            download.write(CONTENT[:1_000])
        store(cache, b"?" * 100)
        with cache.download(digest(CONTENT), len(CONTENT)) as download:
            assert download.offset_bytes == 1_000


@given(
    steps=st.lists(
        st.tuples(st.integers(0, 5), st.sampled_from(["whole", "part", "held"])), max_size=30
    )
)
def test_whatever_comes_the_cache_stays_within_its_limit(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, str]]
) -> None:
    folder = tmp_path_factory.mktemp("cache")
    cache = ArtifactCache(folder, limit_bytes=350)
    with ExitStack() as held:
        needed: set[bytes] = set()
        for number, how in steps:
            content = bytes([number]) * (50 + 20 * number)
            if how == "held" and sum(map(len, {*needed, content})) <= 350:
                held.enter_context(cache.holding(digest(content)))
                needed.add(content)
            with suppress(ArtifactRefused):
                if cache.find(digest(content)) is None:
                    with cache.download(digest(content), len(content)) as download:
                        download.write(
                            content[download.offset_bytes : 10 if how == "part" else None]
                        )
            assert sum(each.stat().st_size for each in folder.iterdir()) <= 350


def test_a_limit_that_was_lowered_holds_from_the_start_on(tmp_path: Path) -> None:
    contents = [bytes([number]) * 100 for number in range(3)]
    for content in contents:
        store(ArtifactCache(tmp_path, limit_bytes=300), content)
        use(ArtifactCache(tmp_path, limit_bytes=300), content)
    ArtifactCache(tmp_path, limit_bytes=150).trim()
    assert kept(tmp_path, *contents) == [contents[2]]
    ArtifactCache(tmp_path / "not-there-yet", limit_bytes=150).trim()


def test_what_is_no_artifact_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a folder").mkdir()
    cache = ArtifactCache(tmp_path, limit_bytes=150)
    for number in range(3):
        store(cache, bytes([number]) * 100)
    assert (tmp_path / "a folder").is_dir()


def test_an_artifact_larger_than_the_cache_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactRefused, match=f"{len(CONTENT)} bytes.* 10 "):
        ArtifactCache(tmp_path, limit_bytes=10).download(digest(CONTENT), len(CONTENT))


@contextmanager
def room_for(size_bytes: int) -> Iterator[None]:
    """A limit on files is the full disk that every machine has."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_without_room_is_told_and_what_arrived_stays(tmp_path: Path) -> None:
    cache = ArtifactCache(tmp_path, PLENTY_BYTES)
    with cache.download(digest(CONTENT), len(CONTENT)) as download:
        download.write(CONTENT[:1_000])
        with room_for(1_500), pytest.raises(ArtifactRefused, match="cannot be kept"):
            download.write(CONTENT[1_000:])
    with cache.download(digest(CONTENT), len(CONTENT)) as download:
        assert download.offset_bytes == 1_000
        download.write(CONTENT[1_000:])
        assert finished(download) == CONTENT


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ArtifactRefused, match="cannot be kept"):
        ArtifactCache(tmp_path / "file" / "artifacts", PLENTY_BYTES).download(digest(CONTENT), 1)


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "A" * 64, "0" * 63, "0" * 64 + "\n"])
def test_a_name_that_is_no_digest_never_becomes_a_path(tmp_path: Path, name: str) -> None:
    cache = ArtifactCache(tmp_path, PLENTY_BYTES)
    with pytest.raises(ArtifactRefused, match="names no SHA-256"):
        cache.find(name)
    with pytest.raises(ArtifactRefused, match="names no SHA-256"):
        cache.download(name, 1)
    with pytest.raises(ArtifactRefused, match="names no SHA-256"), cache.holding(name):
        pass
