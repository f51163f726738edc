"""What was freed between what stays is the machine's again, and threads share it until then."""

import subprocess
import sys
from pathlib import Path

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


COUNT_HEAPS = """
import ctypes, sys, threading
from controller.access.memory import keep_few_arenas

if sys.argv[1] == "few":
    keep_few_arenas()
together = threading.Barrier(8)

def take() -> None:
    together.wait()
    blocks = [bytes(4_000) for _ in range(1_000)]
    together.wait()
    blocks.clear()

threads = [threading.Thread(target=take) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
stream = ctypes.c_void_p(libc.fopen(sys.argv[2].encode(), b"w"))
libc.malloc_info(0, stream)
libc.fclose(stream)
"""


def heaps(tmp_path: Path, how: str) -> int:
    told = tmp_path / how
    command = [sys.executable, "-c", COUNT_HEAPS, how, str(told)]
    subprocess.run(command, check=True, timeout=60)
    return told.read_text().count("<heap ")


def test_threads_share_few_heaps(tmp_path: Path) -> None:
    assert heaps(tmp_path, "few") <= 2 < heaps(tmp_path, "as usual")
