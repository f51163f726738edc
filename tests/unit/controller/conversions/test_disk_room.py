"""A disk is never filled to its end."""

import shutil
from pathlib import Path

from controller.conversions.disk_room import lack_of_room
from controller.domain.quantities import format_memory


def test_what_fits_beside_the_spare_has_room_and_what_does_not_says_how_much_there_is(
    tmp_path: Path,
) -> None:
    total_bytes = shutil.disk_usage(tmp_path).total
    assert lack_of_room(tmp_path, needed_bytes=1, spare_bytes=0) == ""
    lack = lack_of_room(tmp_path, needed_bytes=1, spare_bytes=total_bytes)
    assert str(tmp_path) in lack
    assert format_memory(total_bytes) in lack
