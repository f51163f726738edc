"""A step's process has no network: neither it, nor its threads, nor what it starts."""

from __future__ import annotations

import json
import subprocess
import sys

# Tries everything in a process and, by `before`, the same once it is cut off. Calls are tried
# with arguments that the kernel refuses otherwise, so that nothing happens where they are allowed.
_TRY = """
import ctypes, errno, json, os, platform, socket, subprocess, sys, threading
from models.steps.isolation import cut_network

libc = ctypes.CDLL(None, use_errno=True)
numbers = {"x86_64": (101, 311), "aarch64": (117, 271)}[platform.machine()]
calls = dict(zip(("ptrace", "process_vm_writev"), numbers), io_uring_setup=425, pidfd_getfd=438)

def attempt(*family):
    try:
        socket.socket(*family).close()
    except PermissionError:
        return "denied"
    return "open"

def tried():
    found = {name: attempt(getattr(socket, name)) for name in ("AF_INET", "AF_INET6", "AF_UNIX")}
    for name, number in calls.items():
        libc.syscall(number, -1, -1, -1, -1, -1, -1)
        found[name] = "denied" if ctypes.get_errno() == errno.EACCES else "open"
    return found

before = tried()
cut_network()
after = tried()
thread = threading.Thread(target=lambda: after.update(thread=attempt()))
thread.start()
thread.join()
child = "import socket\\ntry: socket.socket()\\nexcept PermissionError: print('denied', end='')"
command = [sys.executable, "-c", child]
after["child"] = subprocess.run(command, capture_output=True, text=True).stdout
one, other = socket.socketpair()
one.send(b"between us")
print(json.dumps([before, after, other.recv(99).decode()]))
"""


def test_no_way_to_a_socket_is_left_but_pairs_of_its_own() -> None:
    done = subprocess.run([sys.executable, "-c", _TRY], capture_output=True, text=True, check=True)
    before, after, heard = json.loads(done.stdout)
    assert set(before.values()) == {"open"}
    assert set(after) == {*before, "thread", "child"}
    assert set(after.values()) == {"denied"}
    assert heard == "between us"
