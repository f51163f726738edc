"""A native runner and the libraries that it loads: found on this device, or refused."""

import json
import platform
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import util
from pathlib import Path
from typing import Any, Final

from agent.errors import INPUT_EXIT_CODE, AgentError
from agent.measuring.children import Child
from agent.measuring.native.child import NativeChild
from protos.log_lines import event_log
from protos.runtimes import RUNNER, RUNNER_PROTOCOL, Runtime, RuntimeInfo, library_among

FOLDER: Final = "native"
"""Of the agent's state folder, where a runner and its libraries are looked for."""

_log = event_log(__name__)

_PATIENCE_S: Final = 20.0


class RunnerRefused(AgentError):
    """What was named as the native runner, or as a library for it, does not serve."""

    exit_code = INPUT_EXIT_CODE


@dataclass(frozen=True, kw_only=True)
class NativeOptions:
    """What a person says of the native runner; None is looked for.

    Attributes:
        runner: the program.
        libraries: by runtime; of Paddle Lite, the shim that was built against it.
    """

    runner: Path | None = None
    libraries: Mapping[Runtime, Path] = field(default_factory=dict)

    @property
    def are_given(self) -> bool:
        """Whether a person said anything."""
        return self.runner is not None or bool(self.libraries)


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """What a device measures with.

    Attributes:
        runtimes: all of them.
        children: those that measure in the place of the agent's own Python.
    """

    runtimes: tuple[RuntimeInfo, ...]
    children: Mapping[Runtime, Child]


def choose(installed: Iterable[RuntimeInfo], options: NativeOptions, folder: Path) -> Chosen:
    """What a device measures with: a package that is installed, unless somebody names a runner.

    Args:
        installed: runtimes as Python packages.
        options: what a person says of the native runner.
        folder: where a runner is looked for that nobody names.

    Raises:
        RunnerRefused: as of `find_children`.
    """
    packages = {each.runtime: each for each in installed}
    native = {
        runtime: child
        for runtime, child in _found(options, folder, packages).items()
        if options.are_given or runtime not in packages
    }
    found = packages | {each.runtime: each for each in infos_of(native)}
    return Chosen(runtimes=tuple(found.values()), children=native)


def _found(
    options: NativeOptions, folder: Path, packages: Mapping[Runtime, RuntimeInfo]
) -> Mapping[Runtime, NativeChild]:
    """The native children; none of a runner that nobody named or needs, and that does not serve."""
    try:
        return find_children(options, folder)
    except RunnerRefused as error:
        if options.are_given or not packages:
            raise
        _log.warning("the native runner that is there is not used", why=error)
        return {}


def find_children(options: NativeOptions, folder: Path) -> Mapping[Runtime, NativeChild]:
    """The native children of this device, by runtime; none where there is no runner.

    A library that nobody names is the one beside the runner, or that of an installed package.

    Args:
        options: what a person says.
        folder: where a runner is looked for that nobody names.

    Raises:
        RunnerRefused: something that a person named does not serve, or has nothing to load.
    """
    runner = options.runner or folder / RUNNER
    if options.runner is None and not runner.is_file():
        if options.libraries:
            raise RunnerRefused(
                "a library was named, and no native runner to load it: name the program with "
                "--native-runner; 'tools/native' in edgerank's folder builds it"
            )
        return {}
    check_runner(runner)
    children = {
        runtime: NativeChild(runner=runner.absolute(), library=library)
        for runtime in (Runtime.ONNXRUNTIME, Runtime.PADDLELITE)
        if (library := _library(runtime, options, runner)) is not None
    }
    if options.are_given and not children:
        raise RunnerRefused(
            f"{runner} has no library to load: name one with --onnxruntime-library or "
            "--paddlelite-library, or put it beside the program"
        )
    return children


def infos_of(children: Mapping[Runtime, NativeChild]) -> tuple[RuntimeInfo, ...]:
    """The runtimes of native children, as far as their files' names tell."""
    return tuple(
        RuntimeInfo(runtime=runtime, version=_version_in(child.library.name))
        for runtime, child in children.items()
    )


def check_runner(path: Path) -> None:
    """A program is a native runner that this agent speaks with.

    Raises:
        RunnerRefused: it is not; says what to do.
    """
    told = _told_by(path)
    if told.get("program") != RUNNER:
        raise RunnerRefused(
            f"{path} is no native runner of edgerank: name the one that 'tools/native' builds"
        )
    if told.get("protocol") != RUNNER_PROTOCOL:
        raise RunnerRefused(
            f"{path} speaks protocol {told.get('protocol')!r} and this agent {RUNNER_PROTOCOL}: "
            "build the runner of this version with 'tools/native'"
        )


def _told_by(path: Path) -> dict[str, Any]:
    try:
        answer = subprocess.run(
            [str(path.absolute()), "version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE_S,
            check=False,
            env={},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RunnerRefused(
            f"the native runner {path} does not start: {error}; name one that was built for "
            f"{platform.machine()}, which this device is"
        ) from error
    try:
        told = json.loads(answer.stdout)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _library(runtime: Runtime, options: NativeOptions, runner: Path) -> Path | None:
    named = options.libraries.get(runtime)
    if named is not None:
        if not named.is_file():
            raise RunnerRefused(
                f"the library of {runtime.value} is not there: {named}; name the file of your "
                f"build with --{runtime.value}-library, or leave that out"
            )
        return named.absolute()
    places = (runner.absolute().parent, *_installed(runtime))
    found = (library_among(runtime, place.glob("lib*.so*")) for place in places)
    return next(filter(None, found), None)


def _installed(runtime: Runtime) -> Iterator[Path]:
    """Where ONNX Runtime's package has it, which need not be one of this Python's version."""
    if runtime is not Runtime.ONNXRUNTIME:
        return
    package = util.find_spec("onnxruntime")
    for folder in (package.submodule_search_locations or ()) if package else ():
        yield Path(folder) / "capi"


def _version_in(name: str) -> str:
    found = re.search(r"\.so\.([0-9][0-9.]*)$", name)
    return found[1] if found else "unknown"
