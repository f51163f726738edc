"""`edgerank access`: tokens of people and programs, and the key that signs."""

import click
from rich.console import Console

from controller.cli.options.asking import controller_option
from controller.cli.options.failures import says_failures
from controller.cli.options.values import OneOf
from controller.cli.printing.access import print_access
from controller.client import AccessClient
from controller.domain.access import AccessSpec, Scope
from controller.views.counting import counted


@click.group()
def access() -> None:
    """Let people and programs ask a controller that listens on a network.

    \b
    Examples:
      edgerank access create ada --scope operate
      edgerank access list
    """


@access.command()
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    type=OneOf(Scope),
    multiple=True,
    default=(Scope.READ,),
    show_default="read",
    help="read: figures and devices. operate: sweeps, too. models: adding models, whose code the "
    "controller runs. admin: everything. Repeatable.",
)
@controller_option
@says_failures
def create(name: str, scopes: tuple[Scope, ...], address: str) -> None:
    """Print a token for a person or a program.

    It is shown once. Whoever gets it gives it to 'edgerank login'.

    \b
    Examples:
      edgerank access create ada --scope operate
      edgerank access create ci --scope read
    """
    spec = AccessSpec(name=name, scopes=tuple(dict.fromkeys(scopes)))
    spec.check()
    with AccessClient(address) as client:
        made = client.create_access(spec)
    click.echo(f"the token of {name}, which is shown this once:", err=True)
    click.echo(made)


@access.command("list")
@controller_option
@says_failures
def list_(address: str) -> None:
    """List the tokens of people and programs, with their last use.

    \b
    Example:
      edgerank access list
    """
    with AccessClient(address) as client:
        print_access(Console(), client.list_access())


@access.command()
@click.argument("name")
@controller_option
@says_failures
def revoke(name: str, address: str) -> None:
    """End a token, and what is being asked with it.

    \b
    Example:
      edgerank access revoke ada
    """
    with AccessClient(address) as client:
        client.revoke_access(name)
    click.echo(f"the token of {name} is worth nothing any more")


@access.command("rotate-ca")
@click.option(
    "--distrust-earlier",
    is_flag=True,
    help="The key until now was stolen: every device, person and program has to join anew.",
)
@controller_option
@says_failures
def rotate_ca(distrust_earlier: bool, address: str) -> None:
    """Let a new key sign certificates.

    Devices that are connected get certificates of it at once, others when they come. The key before
    vouches for it, so that nobody has to join anew, unless two more rotations are missed.

    \b
    Examples:
      edgerank access rotate-ca
      edgerank access rotate-ca --distrust-earlier
    """
    with AccessClient(address) as client:
        told = client.rotate_authority(distrust_earlier=distrust_earlier)
    if distrust_earlier:
        click.echo("a new key signs; every certificate and token of before is worth nothing")
    else:
        click.echo(f"a new key signs; {counted(told, 'agent')} told to renew")
