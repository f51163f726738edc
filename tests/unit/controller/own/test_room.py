"""Room for uploads is promised once."""

import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from controller.conversions.disk_room import RESERVED_BYTES
from controller.domain.errors import EdgerankError, ErrorCode
from controller.own.room import UploadRoom

Usage = namedtuple("Usage", ["free"])


def refusal(room: UploadRoom, size_bytes: int) -> ErrorCode | None:
    try:
        with room.promised("Model", size_bytes):
            return None
    except EdgerankError as error:
        return error.code


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> UploadRoom:
    """Of 1,000 bytes, on a disk that has 800 to give."""
    free = Usage(RESERVED_BYTES + 800)
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: free)
    return UploadRoom(tmp_path, most_bytes=1_000)


def test_all_uploads_together_announce_no_more_than_they_may(room: UploadRoom) -> None:
    with room.promised("First", 600):
        assert refusal(room, 500) is ErrorCode.LIMIT
        assert refusal(room, 200) is None
    assert refusal(room, 700) is None


def test_nor_more_than_the_disk_has_for_those_that_still_have_to_come(room: UploadRoom) -> None:
    with room.promised("First", 600) as promise:
        assert refusal(room, 300) is ErrorCode.STORAGE
        promise.taken(500)
        assert refusal(room, 300) is None
        # More than was announced takes nothing away from others.
        promise.taken(500)
        assert refusal(room, 800) is None
        assert refusal(room, 801) is ErrorCode.STORAGE
