"""`edgerank backup` and `edgerank restore`: a controller's state as one file."""

import time
from pathlib import Path

import click
from platformdirs import user_data_path

from controller.cli.options.failures import says_failures
from controller.domain.quantities import format_memory
from controller.server.backup import Manifest, make_backup
from controller.server.restoring import forget_restore, restore_backup, stage_backup
from controller.views.counting import counted, minute

state_option = click.option(
    "--state",
    "state_dir",
    type=click.Path(path_type=Path),
    default=lambda: user_data_path("edgerank") / "controller",
    show_default="the user's data folder",
    help="The controller's state folder.",
)


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@state_option
@says_failures
def backup(file: Path, state_dir: Path) -> None:
    """Write a controller's state to one file.

    The database, the artifacts, the models that people added, and the keys that sign certificates,
    as they are at one moment; the controller may serve meanwhile. Run it where the controller runs,
    as its user. Whoever has the file can make certificates of this fleet: it is readable by its
    owner alone. Downloaded weights are not in it; they are fetched again.

    \b
    Examples:
      edgerank backup edgerank-2026-05-01.tar.gz
      edgerank backup /backups/edgerank.tar.gz --state /var/lib/edgerank/controller
    """
    manifest = make_backup(state_dir.absolute(), file.absolute(), time.time_ns() // 1_000_000)
    click.echo(f"{_held(manifest)} written to {file}")


@click.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@state_option
@click.option(
    "--at-next-start",
    is_flag=True,
    help="Read and check the file now, beside a controller that serves; it is restored when that "
    "is started again, for whatever reason and whenever.",
)
@click.option(
    "--forget",
    is_flag=True,
    help="Take back what was put off with --at-next-start; give it without a file.",
)
@says_failures
def restore(file: Path | None, state_dir: Path, *, at_next_start: bool, forget: bool) -> None:
    """Let a backup take the place of a controller's state.

    The controller must be stopped, or restores by itself when it is started again, with
    --at-next-start. All of the file is read and checked before anything is touched; what was there
    is moved aside within the state folder. An older backup is migrated at the next start.

    \b
    Examples:
      edgerank restore edgerank-2026-05-01.tar.gz
      edgerank restore /backups/edgerank.tar.gz --state /var/lib/edgerank/controller
      edgerank restore edgerank-2026-05-01.tar.gz --at-next-start
      edgerank restore --forget
    """
    if forget:
        if file is not None or at_next_start:
            raise click.UsageError("--forget goes without a file and without --at-next-start")
        since = minute(forget_restore(state_dir.absolute()))
        click.echo(f"what was put off at {since} UTC is let go; what is in {state_dir} stays")
        return
    if file is None:
        raise click.UsageError("name the backup's FILE, or take back what was put off: --forget")
    if at_next_start:
        manifest = stage_backup(file.absolute(), state_dir.absolute())
        click.echo(
            f"{_held(manifest)} read and whole; they take the place of what is in {state_dir} when "
            "its controller is started again, by a crash or a reboot, too; until then "
            "'edgerank restore --forget' takes that back"
        )
        return
    manifest, aside = restore_backup(file.absolute(), state_dir.absolute())
    click.echo(f"{_held(manifest)} restored to {state_dir}")
    if aside is not None:
        click.echo(f"what was there is in {aside}")


def _held(manifest: Manifest) -> str:
    size_bytes = sum(entry.size_bytes for entry in manifest.files.values())
    return f"{counted(len(manifest.files), 'file')}, {format_memory(size_bytes)},"
