"""A step's process has no network: neither it, nor its threads, nor what it starts."""

from __future__ import annotations

import subprocess
import sys

_TRY = """
import socket, subprocess, sys, threading
from models.steps.isolation import cut_network

def attempt(family):
    try:
        socket.socket(family).close()
    except PermissionError:
        return "denied"
    return "open"

cut_network()
found = [attempt(socket.AF_INET), attempt(socket.AF_INET6), attempt(socket.AF_UNIX)]
thread = threading.Thread(target=lambda: found.append(attempt(socket.AF_INET)))
thread.start()
thread.join()
child = "import socket\\ntry: socket.socket()\\nexcept PermissionError: print('denied')"
found.append(subprocess.run([sys.executable, "-c", child], capture_output=True, text=True).stdout)
print(",".join(found).strip())
"""


def test_only_sockets_between_local_processes_are_left() -> None:
    tried = subprocess.run([sys.executable, "-c", _TRY], capture_output=True, text=True, check=True)
    assert tried.stdout.strip() == "denied,denied,open,denied,denied"
