"""A process that is denied calls has no network and starts nothing, in whatever thread."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

# Tries everything in a process and, by `before`, the same once it is denied. Calls are tried with
# arguments that the kernel refuses otherwise, so that nothing happens where they are allowed.
_NETWORK = """
import ctypes, errno, json, os, platform, resource, socket, sys, threading
from sandbox.calls import cut_network

libc = ctypes.CDLL(None, use_errno=True)
numbers = {"x86_64": (101, 311, 109, 112), "aarch64": (117, 271, 154, 157)}[platform.machine()]
names = ("ptrace", "process_vm_writev", "setpgid", "setsid")
calls = dict(zip(names, numbers), io_uring_setup=425, pidfd_getfd=438)
# A leader of its group cannot begin a session.
os.setpgid(0, 0)

def attempt(*family):
    try:
        socket.socket(*family).close()
    except PermissionError:
        return "denied"
    return "open"

def limits_of(pid):
    try:
        resource.prlimit(pid, resource.RLIMIT_CORE)
    except PermissionError:
        return "denied"
    return "open"

def tried():
    found = {name: attempt(getattr(socket, name)) for name in ("AF_INET", "AF_INET6", "AF_UNIX")}
    for name, number in calls.items():
        libc.syscall(number, -1, -1, -1, -1, -1, -1)
        found[name] = "denied" if ctypes.get_errno() == errno.EACCES else "open"
    return found | {"limits": limits_of(os.getppid())}

before = tried()
cut_network()
after = tried()
thread = threading.Thread(target=lambda: after.update(thread=attempt()))
thread.start()
thread.join()
one, other = socket.socketpair()
one.send(b"between us")
print(json.dumps([before, after, other.recv(99).decode(), limits_of(0)]))
"""

_PROCESSES = """
import ctypes, json, multiprocessing, os, subprocess, sys, threading
from sandbox.calls import forbid_processes

# A thread that was there before is denied, too.
told, go = [], threading.Event()
earlier = threading.Thread(target=lambda: (go.wait(), told.append(tried(os.fork))))
earlier.start()

def tried(work):
    try:
        work()
    except PermissionError:
        return "denied"
    return "open"

forbid_processes()
go.set()
earlier.join()
later = threading.Thread(target=lambda: told.append("open"))
later.start()
later.join()
print(json.dumps({
    "earlier": told[0],
    "fork": tried(os.fork),
    "program": tried(lambda: subprocess.run(["true"])),
    "exec": tried(lambda: os.execv(sys.executable, [sys.executable])),
    "thread": told[1],
}))
"""


def heard_from(code: str) -> Any:
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_no_way_to_a_socket_is_left_but_pairs_of_its_own() -> None:
    before, after, heard, own_limits = heard_from(_NETWORK)
    assert set(before.values()) == {"open"}
    assert set(after) == {*before, "thread"}
    assert set(after.values()) == {"denied"}
    assert (heard, own_limits) == ("between us", "open")


def test_threads_start_and_nothing_else() -> None:
    tried = heard_from(_PROCESSES)
    assert tried.pop("thread") == "open"
    assert set(tried.values()) == {"denied"}
