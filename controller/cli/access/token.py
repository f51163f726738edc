"""`edgerank token`: tokens by which devices join."""

import click
from rich.console import Console

from controller.cli.options.asking import controller_option
from controller.cli.options.failures import says_failures
from controller.cli.options.values import Converted, read_label
from controller.cli.printing.access import print_join_tokens
from controller.client import AccessClient
from controller.domain.access import MAX_USES, JoinTokenSpec
from controller.domain.quantities import parse_lifetime_ms


@click.group()
def token() -> None:
    """Let devices join a controller that listens on a network.

    \b
    Examples:
      edgerank token create
      edgerank token list
    """


@token.command()
@click.option(
    "--ttl",
    "lifetime_ms",
    metavar="TIME",
    type=Converted("lifetime", parse_lifetime_ms),
    default="24h",
    show_default=True,
    help="How long devices may join by it.",
)
@click.option(
    "--uses",
    type=click.IntRange(1, MAX_USES),
    default=1,
    show_default=True,
    help="How many devices may.",
)
@click.option(
    "--label",
    "labels",
    metavar="KEY=VALUE",
    multiple=True,
    type=Converted("label", read_label),
    help="What they are labelled with, whatever they say of themselves; repeatable.",
)
@click.option(
    "--device",
    metavar="NAME",
    help="The device whose history goes on. What else has its name or its files is cut off.",
)
@click.option(
    "--address",
    "addresses",
    metavar="HOST:PORT",
    multiple=True,
    help="Where they reach the controller; repeatable.  [default: its own addresses]",
)
@controller_option
@says_failures
def create(
    *,
    lifetime_ms: int,
    uses: int,
    labels: tuple[tuple[str, str], ...],
    device: str | None,
    addresses: tuple[str, ...],
    address: str,
) -> None:
    """Print a token by which a device joins.

    It is shown once. On the device, give it to 'edgerank agent --join'.

    \b
    Examples:
      edgerank token create
      edgerank token create --uses 20 --ttl 7d --label room=lab
      edgerank token create --device pixel-6
    """
    spec = JoinTokenSpec(
        lifetime_ms=lifetime_ms, uses=uses, labels=dict(labels), device=device, addresses=addresses
    )
    spec.check()
    with AccessClient(address) as client:
        made, token_id = client.create_join_token(spec)
    click.echo(f"the token {token_id}, which is shown this once:", err=True)
    click.echo(made)


@token.command("list")
@controller_option
@says_failures
def list_(address: str) -> None:
    """List the tokens by which devices may still join.

    \b
    Example:
      edgerank token list
    """
    with AccessClient(address) as client:
        print_join_tokens(Console(), client.list_join_tokens())


@token.command()
@click.argument("token_id", metavar="ID")
@controller_option
@says_failures
def revoke(token_id: str, address: str) -> None:
    """End a token; who joined by it stays.

    \b
    Example:
      edgerank token revoke 3f6a01bc
    """
    with AccessClient(address) as client:
        client.revoke_join_token(token_id)
    click.echo(f"nobody joins by {token_id} any more")
