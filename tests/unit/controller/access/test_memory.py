"""What was freed between what stays is the machine's again."""

import psutil

from controller.access.memory import give_back_memory

BLOCKS, BLOCK_BYTES = 40_000, 4_000


def test_memory_that_was_freed_is_given_back() -> None:
    process = psutil.Process()
    blocks = [bytes([number % 251]) * BLOCK_BYTES for number in range(BLOCKS)]
    full_bytes = process.memory_info().rss
    # Every hundredth stays, as what lives on does between what many peers held.
    kept = blocks[::100]
    blocks.clear()
    give_back_memory()
    given_bytes = full_bytes - process.memory_info().rss
    assert given_bytes > BLOCKS * BLOCK_BYTES / 2
    assert len(kept) == BLOCKS / 100
