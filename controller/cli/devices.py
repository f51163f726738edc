"""`edgerank devices`: who is in the fleet, and what one of them is."""

from typing import Final

import click
from rich.console import Console

from controller.cli.options.asking import OPEN_TO_ALL, controller_option, json_option
from controller.cli.options.failures import says_failures
from controller.cli.printing.devices import (
    print_device,
    print_devices,
    print_events,
    watch_devices,
)
from controller.cli.printing.documents import print_json
from controller.client import AccessClient, QueryClient
from controller.domain.devices import MOST_EVENTS
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.names import find_device
from controller.views.counting import counted
from controller.views.device_words import standing_words

# What befell a device, beside all that it says of itself.
_LAST: Final = 5


@click.group(invoke_without_command=True)
@click.option("--watch", is_flag=True, help="Go on, and show each change.")
@controller_option
@json_option
@click.pass_context
@says_failures
def devices(context: click.Context, *, watch: bool, address: str, as_json: bool) -> None:
    """List the fleet's devices.

    Every device that ever joined: what it is, and whether it is connected. All that one says of
    itself is told by 'devices show', and of every device by --json.

    \b
    Examples:
      edgerank devices
      edgerank devices show phone
      edgerank devices --watch
      edgerank devices --json
    """
    if watch and (as_json or context.invoked_subcommand is not None):
        raise click.UsageError("--watch goes on without an end: give it alone, without --json")
    if context.invoked_subcommand is not None:
        # Whoever names the controller before the subcommand means it there, too.
        context.default_map = {context.invoked_subcommand: {"address": address}}
        return
    if watch:
        with QueryClient(address) as client:
            watch_devices(client.watch_devices(), Console())
        return
    with QueryClient(address) as client:
        found, open_to_all = client.fleet()
    if open_to_all:
        click.echo(OPEN_TO_ALL, err=True)
    if as_json:
        print_json(found)
    else:
        print_devices(Console(), found)


@devices.command()
@click.argument("name")
@controller_option
@says_failures
def show(name: str, address: str) -> None:
    """Tell all that a device says of itself, and what befell it last.

    \b
    Example:
      edgerank devices show phone
    """
    with QueryClient(address) as client:
        device = find_device(client.list_devices(), name)
        events = client.list_device_events(name, _LAST)
    console = Console()
    print_device(console, device)
    print_events(console, events)


@devices.command()
@click.argument("name")
@click.option(
    "--last",
    "count",
    type=click.IntRange(1, MOST_EVENTS),
    default=MOST_EVENTS,
    show_default=True,
    help="How much of it.",
)
@controller_option
@json_option
@says_failures
def history(name: str, count: int, address: str, as_json: bool) -> None:
    """Tell what befell a device: joined, connected, lost, resting, renamed.

    The newest first, of the newest 100. By whom, where somebody wanted it.

    \b
    Examples:
      edgerank devices history board
      edgerank devices history board --last 20 --json
    """
    with QueryClient(address) as client:
        events = client.list_device_events(name, count)
    if as_json:
        print_json(events)
    else:
        print_events(Console(), events)


@devices.command()
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@controller_option
@says_failures
def rename(old: str, new: str, address: str) -> None:
    """Give a device another name.

    Its measurements come with it. It keeps the name until its agent is started under another one.

    \b
    Example:
      edgerank devices rename board kitchen
    """
    with QueryClient(address) as client:
        client.rename_device(old, new)
    click.echo(f"{old} is {new} now")


@devices.command()
@click.argument("name")
@click.option(
    "--emulated",
    "emulated_by",
    metavar="WHAT",
    help="What computes in its place, as in qemu-system.",
)
@click.option("--real", is_flag=True, help="Take the mark away; what was found there stays.")
@controller_option
@says_failures
def mark(name: str, emulated_by: str | None, real: bool, address: str) -> None:
    """Say that a device is emulated, where nothing finds that.

    Its figures, those of before included, are then left out of 'best', 'report' and 'compare'
    without --include-emulated, and marked in all answers and exports.

    \b
    Examples:
      edgerank devices mark board --emulated qemu-system
      edgerank devices mark board --real
    """
    if real is (emulated_by is not None):
        raise EdgerankError(ErrorCode.INVALID_INPUT, "say either --emulated WHAT or --real")
    with QueryClient(address) as client:
        client.mark_device(name, emulated_by)
    click.echo(f"{name} is marked as {'real' if real else f'emulated by {emulated_by}'}")


@devices.command()
@click.argument("name")
@click.option("--with-measurements", is_flag=True, help="Delete what was measured on it, too.")
@controller_option
@says_failures
def remove(name: str, with_measurements: bool, address: str) -> None:
    """Take a device out of the fleet.

    What was measured on it stays under its name, until another device has that. A connected one is
    not removed: stop its agent first.

    \b
    Examples:
      edgerank devices remove board
      edgerank devices remove board --with-measurements
    """
    with QueryClient(address) as client:
        count = client.remove_device(name, with_measurements=with_measurements)
    measured = counted(count, "measurement")
    fate = f"{measured} deleted" if with_measurements else f"{measured} kept"
    click.echo(f"{name} is removed, {fate}")


@devices.command()
@click.argument("name")
@controller_option
@says_failures
def revoke(name: str, address: str) -> None:
    """Cut a device off that joined by a token.

    Its certificate is worth nothing from here on, and what it has open ends. What was measured on
    it stays. It comes back only by a token made for it.

    \b
    Example:
      edgerank devices revoke board
    """
    with AccessClient(address) as client:
        client.revoke_device(name)
    click.echo(
        f"{name} is cut off; a token of 'edgerank token create --device {name}' lets it back in"
    )


@devices.command()
@click.argument("name")
@controller_option
@says_failures
def drain(name: str, address: str) -> None:
    """Let a device finish what it measures, and rest then.

    It takes no more jobs; those that it has wait. 'devices wake' ends it.

    \b
    Example:
      edgerank devices drain board
    """
    with QueryClient(address) as client:
        standing = client.drain_device(name)
    click.echo(f"{name} {standing_words(standing)}")


@devices.command()
@click.argument("name")
@controller_option
@says_failures
def rest(name: str, address: str) -> None:
    """Let a device rest at once.

    What it measures is stopped and taken again later; its jobs wait. It rests on when its agent or
    the controller is started again. 'devices wake' ends it.

    \b
    Example:
      edgerank devices rest board
    """
    with QueryClient(address) as client:
        standing = client.rest_device(name)
    click.echo(f"{name} {standing_words(standing)}")


@devices.command()
@click.argument("name")
@controller_option
@says_failures
def wake(name: str, address: str) -> None:
    """Let a device take jobs again.

    \b
    Example:
      edgerank devices wake board
    """
    with QueryClient(address) as client:
        standing = client.wake_device(name)
    click.echo(f"{name} {standing_words(standing)}")


@devices.command("replace")
@click.argument("name")
@controller_option
@says_failures
def replace(name: str, address: str) -> None:
    """Let a device's new agent take it over.

    For a device whose agent lost its state folder: a board that was set up anew, a container that
    was made anew. For ten minutes, one agent that asks for it (edgerank agent --replace) becomes
    the device of this name, with all that was measured on it. The agent of before is refused from
    then on.

    \b
    Example:
      edgerank devices replace board
    """
    with QueryClient(address) as client:
        minutes = client.replace_device(name) // 60_000
    click.echo(
        f"for {minutes} minutes {name} may be taken over: start its new agent with --name {name} "
        "--replace"
    )
