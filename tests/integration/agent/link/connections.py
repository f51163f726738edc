"""The agent's connection in the process of a test, to a fake controller."""

from pathlib import Path

from agent.artifacts.cache import ArtifactCache
from agent.link.connection import Connection, Introduction
from agent.link.kept.spool import Spool
from agent.link.line import Line
from agent.measuring.measurer import Measurer
from protos.device import DeviceProfile
from protos.runtimes import RuntimeInfo
from tests.integration.agent.link.fake_controller import FakeController


def line_to(controller: FakeController, folder: Path, kind: type[Line] = Line) -> Line:
    """A line without TLS."""
    return kind((f"127.0.0.1:{controller.port}",), None, folder, lambda: 1)


def connection_over(
    line: Line, spool: Spool, folder: Path, runtimes: tuple[RuntimeInfo, ...] = ()
) -> Connection:
    """The dealings of a device that says it has these runtimes."""
    return Connection(
        line=line,
        introduction=Introduction(
            device_id="d", name="n", labels={}, profile=DeviceProfile(architecture="x86_64")
        ),
        measurer=Measurer(runtimes=runtimes),
        cache=ArtifactCache(folder / "artifacts", limit_bytes=10**9),
        spool=spool,
        now_unix_ms=lambda: 1,
    )
