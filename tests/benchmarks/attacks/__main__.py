"""Attacks a controller from a process of its own until it is ended; what it did, it tells then.

It takes its targets and the names of its attacks as JSON on standard input, and of the processor
what nobody else wants.
"""

import asyncio
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress

from tests.benchmarks.attacks import members, people, strangers
from tests.benchmarks.attacks.leftovers import take_leftovers
from tests.benchmarks.attacks.targets import Attack, Targets

ATTACKING = "attacking"

ATTACKS: Mapping[str, Attack] = {
    "raw bytes": strangers.send_raw_bytes,
    "silent connections": strangers.hold_silent_connections,
    "half-open handshakes": strangers.hold_half_handshakes,
    "guessed join tokens": strangers.guess_tokens,
    "questions without a token": strangers.ask_without_token,
    "Hellos of 2 MB": members.say_crowded_hellos,
    "reports of 6 MB": members.report_far_too_much,
    "silent streams": members.hold_silent_streams,
    "floods of reports and beats": members.flood_reports,
    "500 watchers": people.watch_by_the_hundred,
    "sweeps of millions of jobs": people.ask_for_millions_of_jobs,
    "poisoned models": people.add_poisoned_models,
}


def main() -> None:
    """Attack until SIGTERM."""
    take_leftovers()
    said, names = json.load(sys.stdin)
    targets = Targets(**{**said, "poison": tuple(said["poison"])})
    tally: Counter[str] = Counter()
    with suppress(asyncio.CancelledError):
        asyncio.run(_attack([ATTACKS[name] for name in names], targets, tally))
    spent = os.times()
    sys.stdout.write(json.dumps({"tally": tally, "cpu_s": spent.user + spent.system}))


async def _attack(attacks: Iterable[Attack], targets: Targets, tally: "Counter[str]") -> None:
    tasks = {asyncio.create_task(_lasting(attack, targets, tally)) for attack in attacks}
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    sys.stdout.write(f"{ATTACKING}\n")
    sys.stdout.flush()
    stopping = asyncio.create_task(stop.wait())
    done, _ = await asyncio.wait({stopping, *tasks}, return_when=asyncio.FIRST_COMPLETED)
    # A call that ends in the instant in which it is cancelled may swallow that, and go on.
    while left := [task for task in tasks if not task.done()]:
        for task in left:
            task.cancel()
        await asyncio.wait(left, timeout=1)
    # An attack that broke is no attack: the benchmark fails with it.
    await asyncio.gather(*done)


async def _lasting(attack: Attack, targets: Targets, tally: "Counter[str]") -> None:
    await attack(targets, tally)


if __name__ == "__main__":
    main()
