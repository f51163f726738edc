"""Messages that never come whole take little of a controller, however many somebody begins."""

from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Final

from tests.integration.bounds.conftest import limited_guarded, process_of
from tests.integration.bounds.partial import STREAMS, Partly

# As many calls as an address may have, and more; a message is as long as gRPC takes one there.
CONNECTIONS: Final = 3
MESSAGE_BYTES: Final = 2_000_000
BEGUN_BYTES: Final = CONNECTIONS * len(STREAMS) * MESSAGE_BYTES
KEPT_BYTES: Final = BEGUN_BYTES // 6
HELD_S: Final = 6.0
LOOK_S: Final = 0.05


def test_of_what_strangers_begin_to_say_little_is_kept(tmp_path: Path) -> None:
    with limited_guarded(tmp_path) as guarded, ThreadPoolExecutor(CONNECTIONS) as pool:
        controller = process_of(guarded.running)
        before_bytes = most_bytes = controller.memory_info().rss
        joining = [
            Partly(guarded.address, "/edgerank.v1.Joining/Join", MESSAGE_BYTES)
            for _ in range(CONNECTIONS)
        ]
        holding = [pool.submit(each.hold, HELD_S) for each in joining]
        while wait(holding, timeout=LOOK_S).not_done:
            most_bytes = max(most_bytes, controller.memory_info().rss)
    assert sum(each.result() for each in holding) > MESSAGE_BYTES
    assert most_bytes - before_bytes < KEPT_BYTES
