"""What a person's model may take while it is run once: its process is held to no less than it."""

from math import isqrt

from hypothesis import given
from hypothesis import strategies as st

from models.conversion.own_inspection import besides_images_bytes, limits_for
from models.recipes.adopting import images_bytes
from protos.inputs import MAX_BATCH, MAX_SIDE, ImageSize

# As many of these as may be taken at once have no more pixels than one of the largest.
SIDES = st.integers(1, MAX_SIDE // isqrt(MAX_BATCH))


@given(st.integers(0, 10**9), st.builds(ImageSize, SIDES, SIDES), st.integers(1, MAX_BATCH))
def test_its_process_has_room_for_all_images_that_it_takes_at_once(
    size_bytes: int, size: ImageSize, batch: int
) -> None:
    assert limits_for(size_bytes).memory_bytes >= besides_images_bytes(size_bytes) + images_bytes(
        size, batch
    )
