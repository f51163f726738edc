"""`edgerank pause`, `resume` and `edit`: what becomes of a sweep that was started."""

import click

from controller.cli.options.asking import controller_option
from controller.cli.options.failures import says_failures
from controller.cli.options.sweeping import PRIORITY
from controller.cli.options.values import Converted, read_deadline
from controller.client import QueryClient
from controller.domain.sweeps.editing import SweepEdit
from controller.views.sweeps.words import pause_words, urgency_words


@click.command()
@click.argument("sweep_id", metavar="SWEEP")
@controller_option
@says_failures
def pause(sweep_id: str, address: str) -> None:
    """Let a sweep give out no work until it is resumed.

    What is measured now ends and is kept, and what is converted goes on. The sweep stays paused
    when the controller is started again. SWEEP is its id, a beginning of it that no other has, or
    its name.

    \b
    Examples:
      edgerank pause nightly
      edgerank pause 3f2a9c01b7de
    """
    with QueryClient(address) as client:
        whole_id, paused = client.pause_sweep(sweep_id)
    click.echo(f"sweep {whole_id} is {pause_words(paused)}")


@click.command()
@click.argument("sweep_id", metavar="SWEEP")
@controller_option
@says_failures
def resume(sweep_id: str, address: str) -> None:
    """Let a paused sweep go on.

    SWEEP is its id, a beginning of it that no other has, or its name.

    \b
    Example:
      edgerank resume nightly
    """
    with QueryClient(address) as client:
        whole_id = client.resume_sweep(sweep_id)
    click.echo(f"sweep {whole_id} goes on")


def _read_deadline(text: str) -> int:
    """When a sweep should have ended, ms since 1970 UTC; 0 is no time."""
    return 0 if text == "none" else read_deadline(text)


@click.command()
@click.argument("sweep_id", metavar="SWEEP")
@click.option("--priority", type=PRIORITY, metavar="N", help="As of 'edgerank sweep'.")
@click.option(
    "--deadline",
    type=Converted("deadline", _read_deadline),
    metavar="TIME|none",
    help="As of 'edgerank sweep'; none takes it away.",
)
@controller_option
@says_failures
def edit(sweep_id: str, priority: int | None, deadline: int | None, address: str) -> None:
    """Make a sweep more or less urgent.

    It holds from each device's next repetition on. SWEEP is its id, a beginning of it that no other
    has, or its name.

    \b
    Examples:
      edgerank edit nightly --priority 5
      edgerank edit 3f2a9c01b7de --deadline 2026-11-27T06:00
      edgerank edit nightly --priority 0 --deadline none
    """
    wanted = SweepEdit(
        sweep_id=sweep_id,
        priority=priority,
        deadline_unix_ms=deadline or None,
        without_deadline=deadline == 0,
    )
    with QueryClient(address) as client:
        now = client.edit_sweep(wanted)
    click.echo(f"sweep {now.sweep_id}: {urgency_words(now.priority or 0, now.deadline_unix_ms)}")
