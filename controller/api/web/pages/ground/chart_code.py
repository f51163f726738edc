"""The code that draws the charts, as vl-convert ships it: Vega, Vega-Lite and Vega-Embed."""

import asyncio
import sys
from typing import Final

from controller.api.web.pages.ground.files import StaticFile, packed
from controller.domain.errors import EdgerankError, ErrorCode

_BUNDLING: Final = (
    "import sys\n"
    # Else a file in the folder where the controller was started could be taken for it.
    "sys.path = [each for each in sys.path if each]\n"
    "import vl_convert\n"
    "script = vl_convert.javascript_bundle('window.vegaEmbed = vegaEmbed;')\n"
    "sys.stdout.buffer.write(script.encode())\n"
)


class ChartCode:
    """Bundled once, when it is first asked for.

    In a process of its own: bundling takes seconds, in which vl-convert lets no other thread of its
    process run, and agents would wait.
    """

    def __init__(self) -> None:
        self._bundling: asyncio.Task[StaticFile] | None = None

    def begin(self) -> None:
        """Bundle it, unless that was begun before and did not fail."""
        failed = (
            self._bundling is not None
            and self._bundling.done()
            and (self._bundling.cancelled() or self._bundling.exception() is not None)
        )
        if self._bundling is None or failed:
            self._bundling = asyncio.create_task(_bundled())

    async def read(self) -> StaticFile:
        """The script.

        Raises:
            EdgerankError: EXECUTION.
        """
        self.begin()
        assert self._bundling is not None
        # Who goes away takes nothing from the others.
        return await asyncio.shield(self._bundling)


async def _bundled() -> StaticFile:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _BUNDLING, stdout=asyncio.subprocess.PIPE
    )
    script, _ = await child.communicate()
    if child.returncode != 0 or not script:
        raise EdgerankError(
            ErrorCode.EXECUTION,
            f"the charts' code could not be bundled (exit code {child.returncode}); the tables "
            "have every figure",
        )
    return await asyncio.to_thread(packed, script)
