"""Attacks a controller from a process of its own until it is ended; what it did, it tells then.

It takes its targets as JSON on standard input, and of the processor what nobody else wants.
"""

import asyncio
import json
import os
import signal
import sys
from collections import Counter
from contextlib import suppress

from tests.benchmarks.attacks import members, people, strangers
from tests.benchmarks.attacks.targets import Attack, Targets

ATTACKING = "attacking"
# Beside a process of ordinary niceness it has 15 parts of 1,039, by the kernel's weights.
NICENESS = 19

ATTACKS: tuple[Attack, ...] = (
    strangers.send_raw_bytes,
    strangers.hold_silent_connections,
    strangers.hold_half_handshakes,
    strangers.guess_tokens,
    strangers.ask_without_token,
    members.say_crowded_hellos,
    members.report_far_too_much,
    members.hold_silent_streams,
    members.flood_reports,
    people.watch_by_the_hundred,
    people.ask_for_millions_of_jobs,
    people.add_poisoned_models,
)


def main() -> None:
    """Attack until SIGTERM."""
    os.nice(NICENESS)
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    said = json.load(sys.stdin)
    targets = Targets(**{**said, "poison": tuple(said["poison"])})
    tally: Counter[str] = Counter()
    with suppress(asyncio.CancelledError):
        asyncio.run(_attack(targets, tally))
    spent = os.times()
    sys.stdout.write(json.dumps({"tally": tally, "cpu_s": spent.user + spent.system}))


async def _attack(targets: Targets, tally: "Counter[str]") -> None:
    tasks = {asyncio.create_task(_lasting(attack, targets, tally)) for attack in ATTACKS}
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    sys.stdout.write(f"{ATTACKING}\n")
    sys.stdout.flush()
    stopping = asyncio.create_task(stop.wait())
    done, _ = await asyncio.wait({stopping, *tasks}, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    # An attack that broke is no attack: the benchmark fails with it.
    await asyncio.gather(*done)


async def _lasting(attack: Attack, targets: Targets, tally: "Counter[str]") -> None:
    await attack(targets, tally)


if __name__ == "__main__":
    main()
