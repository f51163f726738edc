"""`edgerank controller` with limits of a test's own.

Its first argument has them as JSON, by the names of `Limits`, rooms by the names of their loads. At
`descriptors` stand the soft and the hard limit that it starts with. The other arguments are those
of the command.
"""

import json
import resource
import sys
from dataclasses import replace
from functools import partial
from unittest import mock

import controller.cli.operating.controller as command
from controller.api.limits import DEFAULTS, ROOMS, Load, Room
from controller.server.serving import serve

ROOMY = {"strangers_heard", "devices_heard", "people_heard"}
ROOMY |= {"greetings_bytes", "reports_bytes", "requests_bytes", "answers_bytes", "answers_made"}


def main() -> None:
    given = json.loads(sys.argv[1])
    if descriptors := given.pop("descriptors", None):
        resource.setrlimit(resource.RLIMIT_NOFILE, tuple(descriptors))
    for name in ROOMY & given.keys():
        given[name] = Room(*given[name])
    rooms = {Load[name]: Room(*room) for name, room in given.pop("rooms", {}).items()}
    limits = replace(DEFAULTS, rooms={**ROOMS, **rooms}, **given)
    with mock.patch.object(command, "serve", partial(serve, limits=limits)):
        command.controller(sys.argv[2:])


if __name__ == "__main__":
    main()
