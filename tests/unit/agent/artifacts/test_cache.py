"""Artifacts are in the cache whole and unaltered, or not at all."""

import hashlib
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.artifacts.cache import ArtifactCache, ArtifactRefused

CONTENT = b"the bytes of an artifact" * 1_000


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def store(cache: ArtifactCache, content: bytes) -> Path:
    with cache.download(digest(content), len(content)) as download:
        download.write(content)
        return download.finish()


def test_an_artifact_is_found_under_its_digest(tmp_path: Path) -> None:
    cache = ArtifactCache(tmp_path / "artifacts")
    assert cache.find(digest(CONTENT)) is None
    path = store(cache, CONTENT)
    assert path.name == digest(CONTENT)
    assert path.read_bytes() == CONTENT
    assert cache.find(digest(CONTENT)) == path
    assert [each.name for each in path.parent.iterdir()] == [path.name]


@given(cuts=st.lists(st.integers(0, len(CONTENT)), max_size=5))
def test_a_download_that_breaks_off_is_resumed(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int]
) -> None:
    cache = ArtifactCache(tmp_path_factory.mktemp("cache"))
    for end in sorted(cuts):
        with cache.download(digest(CONTENT), len(CONTENT)) as download:
            download.write(CONTENT[download.offset_bytes : end])
    with cache.download(digest(CONTENT), len(CONTENT)) as download:
        assert download.offset_bytes == max(cuts, default=0)
        download.write(CONTENT[download.offset_bytes :])
        assert download.complete
        assert download.finish().read_bytes() == CONTENT


def test_other_bytes_than_promised_are_dropped(tmp_path: Path) -> None:
    cache = ArtifactCache(tmp_path)
    with cache.download(digest(CONTENT), len(CONTENT)) as download:
        download.write(CONTENT[:-1] + b"?")
        with pytest.raises(ArtifactRefused, match="other bytes"):
            download.finish()
    assert list(tmp_path.iterdir()) == []


def test_more_bytes_than_promised_are_dropped(tmp_path: Path) -> None:
    cache = ArtifactCache(tmp_path)
    with (
        cache.download(digest(CONTENT), 10) as download,
        pytest.raises(ArtifactRefused, match="promised 10 bytes"),
    ):
        download.write(CONTENT)
    assert list(tmp_path.iterdir()) == []


def test_fewer_bytes_than_promised_wait_for_the_rest(tmp_path: Path) -> None:
    cache = ArtifactCache(tmp_path)
    with cache.download(digest(CONTENT), len(CONTENT)) as download:
        download.write(CONTENT[:100])
        with pytest.raises(ArtifactRefused, match=f"100 of {len(CONTENT)} bytes"):
            download.finish()
    with cache.download(digest(CONTENT), len(CONTENT)) as download:
        assert download.offset_bytes == 100


def test_a_part_that_is_too_long_is_begun_anew(tmp_path: Path) -> None:
    (tmp_path / f"{digest(CONTENT)}.part").write_bytes(CONTENT + b"?")
    with ArtifactCache(tmp_path).download(digest(CONTENT), len(CONTENT)) as download:
        assert download.offset_bytes == 0


def test_bytes_that_changed_on_the_disk_are_told_and_not_measured(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache = ArtifactCache(tmp_path)
    store(cache, CONTENT).write_bytes(CONTENT[:-1] + b"?")
    assert cache.find(digest(CONTENT)) is None
    assert list(tmp_path.iterdir()) == []
    assert digest(CONTENT)[:12] in caplog.text


def test_what_cannot_be_read_any_more_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache = ArtifactCache(tmp_path)
    path = store(cache, CONTENT)
    path.unlink()
    path.mkdir()
    with pytest.raises(ArtifactRefused):
        cache.find(digest(CONTENT))
    assert path.name[:12] in caplog.text


def test_artifacts_used_longest_ago_make_room(tmp_path: Path) -> None:
    cache = ArtifactCache(tmp_path, limit_bytes=300)
    contents = [bytes([number]) * 100 for number in range(4)]
    for age, content in enumerate(contents[:3]):
        os.utime(store(cache, content), (age, age))
    assert cache.find(digest(contents[0])) is not None

    store(cache, contents[3])

    kept = [content for content in contents if cache.find(digest(content))]
    assert kept == [contents[0], contents[2], contents[3]]


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
    cache = ArtifactCache(tmp_path)
    with cache.download(digest(CONTENT), len(CONTENT)) as download:
        download.write(CONTENT[:1_000])
        with room_for(1_500), pytest.raises(ArtifactRefused, match="cannot be kept"):
            download.write(CONTENT[1_000:])
    with cache.download(digest(CONTENT), len(CONTENT)) as download:
        assert download.offset_bytes == 1_000
        download.write(CONTENT[1_000:])
        assert download.finish().read_bytes() == CONTENT


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ArtifactRefused, match="cannot be kept"):
        ArtifactCache(tmp_path / "file" / "artifacts").download(digest(CONTENT), 1)


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "A" * 64, "0" * 63, "0" * 64 + "\n"])
def test_a_name_that_is_no_digest_never_becomes_a_path(tmp_path: Path, name: str) -> None:
    cache = ArtifactCache(tmp_path)
    with pytest.raises(ArtifactRefused, match="names no SHA-256"):
        cache.find(name)
    with pytest.raises(ArtifactRefused, match="names no SHA-256"):
        cache.download(name, 1)
