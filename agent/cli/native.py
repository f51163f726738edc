"""The options of `edgerank agent` that name a native runner and what it loads."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click

from agent.measuring.native.finding import NativeOptions
from protos.runtimes import Runtime

_FILE: Final = click.Path(path_type=Path, dir_okay=False)


def native_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command, whose function is given `native`, a `NativeOptions`."""

    def with_native(
        *,
        native_runner: Path | None,
        onnxruntime_library: Path | None,
        paddlelite_library: Path | None,
        **others: Any,
    ) -> Any:
        named = {
            Runtime.ONNXRUNTIME: onnxruntime_library,
            Runtime.PADDLELITE: paddlelite_library,
        }
        libraries = {runtime: path for runtime, path in named.items() if path is not None}
        return command(native=NativeOptions(runner=native_runner, libraries=libraries), **others)

    with_native.__doc__ = command.__doc__
    with_native.__name__ = command.__name__
    vars(with_native).update(vars(command))
    for option in (_PADDLELITE, _ONNXRUNTIME, _RUNNER):
        option(with_native)
    return with_native


_RUNNER: Final = click.option(
    "--native-runner",
    metavar="PATH",
    type=_FILE,
    help="Measure with this program, which 'tools/native' builds, and not with Python's packages.  "
    "[default: the one in the state folder's native/, for runtimes without a package]",
)
_ONNXRUNTIME: Final = click.option(
    "--onnxruntime-library",
    metavar="PATH",
    type=_FILE,
    help="The libonnxruntime.so that it loads.  [default: beside it, or of an installed package]",
)
_PADDLELITE: Final = click.option(
    "--paddlelite-library",
    metavar="PATH",
    type=_FILE,
    help="The libedgerank_paddlelite.so that it loads, built against your Paddle Lite.  "
    "[default: beside it]",
)
