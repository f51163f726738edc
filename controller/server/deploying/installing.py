"""An environment made on a board: wheels sent there, checked, and installed."""

import posixpath
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from controller.domain.errors import EdgerankError, ErrorCode
from controller.server.deploying.board import Board
from controller.server.deploying.brought.native_runner import NativeRunner, check_told
from controller.server.deploying.brought.python_archive import UNPACKED_BYTES, PythonArchive
from controller.server.deploying.brought.wheels import download_wheels, requirement
from controller.server.deploying.examining import Fit, Tell, in_the_way
from controller.server.deploying.fitness import room
from controller.server.deploying.installed import Installed
from controller.server.deploying.releases import Settings, runner_folder
from controller.server.deploying.ssh import LONG_S
from models.digest import file_sha256
from protos.runtimes import RUNNER


async def install(
    there: Installed,
    fit: Fit,
    wheel: Path,
    settings: Settings,
    tell: Tell,
    *,
    offline: bool,
) -> None:
    """Makes the environment of the settings, beside those that there are.

    Args:
        there: the board.
        fit: what it is, and the interpreter that the environment is made with.
        wheel: ours, alone in its folder.
        settings: which environment, with which runtimes.
        tell: whom each step is told.
        offline: whether the wheels of all that ours needs are brought along.

    Raises:
        EdgerankError: PRECONDITION without room, DAMAGED, EXECUTION with pip's last words.
    """
    python, archive = fit.python, fit.archive
    # What broke off before would else take its room.
    lacking = list(room(await _swept(there), 0 if archive is None else UNPACKED_BYTES))
    if lacking:
        raise in_the_way(there.shell, lacking, tell)
    if archive is not None:
        await _bring(there, archive, tell)
    if offline:
        tell("downloading wheels for it on this side")
        await download_wheels(wheel, settings.runtimes, there.board, python, wheel.parent)
    folder = posixpath.join(there.board.base, "wheels", settings.environment)
    await _send(there, sorted(wheel.parent.glob("*.whl")), folder, tell)
    tell(f"installing edgerank {settings.version}")
    said = await there.shell.run(
        *("install", there.board.base, settings.environment, python.path),
        requirement(posixpath.join(folder, wheel.name), settings.runtimes),
        folder if offline else "",
        timeout_s=LONG_S,
    )
    if said.code != 0:
        advice = (
            "see what it lacks"
            if offline
            else "if it reaches no package index, bring every wheel along with --offline"
        )
        raise EdgerankError(
            ErrorCode.EXECUTION,
            f"edgerank cannot be installed on {there.shell.where} ({said.last_words()}); {advice}; "
            "what ran there before goes on",
        )


async def bring_runner(
    there: Installed, environment: str, name: str, runner: NativeRunner | None, tell: Tell
) -> None:
    """Sends a native runner, asks it on the board what it is, and has it load its libraries.

    Args:
        there: the board.
        environment: of the agent that is to measure with it, which asks it to load them.
        name: of its folder.
        runner: what is sent; None where it was brought before.
        tell: whom each step is told.

    Raises:
        EdgerankError: DAMAGED; EXECUTION where it does not start, or does not load what it is to;
            INVALID_INPUT for what is no runner, or one of another version.
    """
    folder = runner_folder(there.board.base, name)
    if runner is not None:
        await _send(there, runner.files, folder, tell)
    program = posixpath.join(folder, RUNNER)
    said = await there.shell.run("runner", program)
    if said.code != 0:
        raise EdgerankError(
            ErrorCode.EXECUTION,
            f"the native runner does not start on {there.shell.where} ({said.last_words()}); name "
            "with --runner-folder one that was built for it, as 'make native' does",
        )
    check_told(said.out, there.shell.where)
    python = posixpath.join(there.board.base, "environments", environment, "bin/python")
    said = await there.shell.run("load", python, program, timeout_s=LONG_S)
    if said.code != 0:
        raise EdgerankError(
            ErrorCode.EXECUTION,
            f"what the native runner measures with does not load on {there.shell.where} "
            f"({said.last_words()}); put a library that was built for it beside the runner in the "
            "folder of --runner-folder; what ran there before goes on",
        )


async def _swept(there: Installed) -> Board:
    """The board without what installations that broke off have left."""
    free_kib = (await there.shell.ask("sweep", there.board.base, timeout_s=LONG_S)).strip()
    if not free_kib.isascii() or not free_kib.isdecimal() or len(free_kib) > 15:
        return there.board
    return replace(there.board, free_bytes=int(free_kib) * 1024)


async def _bring(there: Installed, archive: PythonArchive, tell: Tell) -> None:
    """Unpacks a Python on the board, which starts there or is not kept."""
    tell(f"sending a Python ({archive.path.stat().st_size / 1e6:.1f} MB)")
    incoming = posixpath.join(there.board.base, "pythons", "incoming")
    await there.shell.send(archive.path, incoming)
    file = posixpath.join(incoming, archive.path.name)
    told = (there.board.base, archive.name, file, archive.sha256)
    await there.shell.ask("unpack", *told, timeout_s=LONG_S)


async def _send(there: Installed, files: Sequence[Path], folder: str, tell: Tell) -> None:
    known = await _digests(there, folder)
    wanted = {each: file_sha256(each) for each in files}
    missing = [each for each in files if known.get(each.name) != wanted[each]]
    if not missing:
        return
    size_mb = sum(each.stat().st_size for each in missing) / 1e6
    tell(f"sending {len(missing)} of {len(files)} files ({size_mb:.1f} MB)")
    for file in missing:
        await there.shell.send(file, folder)
    known = await _digests(there, folder)
    for file in missing:
        if known.get(file.name) != wanted[file]:
            raise EdgerankError(
                ErrorCode.DAMAGED,
                f"{file.name} came to {there.shell.where} with other bytes; see to its disk, and "
                "run the same command again",
            )


async def _digests(there: Installed, folder: str) -> dict[str, str]:
    printed = await there.shell.ask("digests", folder, timeout_s=LONG_S)
    parted = (line.partition(" ") for line in printed.splitlines())
    return {name.strip(): digest for digest, _, name in parted}
