"""Gives a file to whoever connects and says a byte, over plain TCP: what a link can do.

python -m tests.benchmarks.fleet.plain_sender FILE
"""

import socket
import sys
import threading
from pathlib import Path


def serve(content: bytes) -> None:
    """Give it until the process is ended."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        sys.stdout.write(f"listening on 127.0.0.1:{server.getsockname()[1]}\n")
        sys.stdout.flush()
        while True:
            connection, _ = server.accept()
            threading.Thread(target=_give, args=(connection, content), daemon=True).start()


def _give(connection: socket.socket, content: bytes) -> None:
    with connection:
        while connection.recv(1):
            connection.sendall(content)


if __name__ == "__main__":
    serve(Path(sys.argv[1]).read_bytes())
