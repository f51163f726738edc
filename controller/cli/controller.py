"""`edgerank controller`: serves a fleet."""

import asyncio
import logging
from pathlib import Path

import click
from platformdirs import user_data_path

from controller.cli.options.asking import DEFAULT_HOST, DEFAULT_PORT
from controller.cli.options.failures import says_failures
from controller.server import serve
from protos.log_lines import log_to_stderr


@click.command()
@click.option(
    "--host",
    default=DEFAULT_HOST,
    show_default=True,
    help="Address to listen on. The channel is not encrypted: leave the loopback address only "
    "inside a network that you trust.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=DEFAULT_PORT,
    show_default=True,
    help="0 takes any free port.",
)
@click.option(
    "--state",
    "state_dir",
    type=click.Path(path_type=Path),
    default=lambda: user_data_path("edgerank") / "controller",
    show_default="the user's data folder",
    help="Folder of the database, artifacts and weights.",
)
@says_failures
def controller(host: str, port: int, state_dir: Path) -> None:
    """Serve a fleet of agents.

    Takes agents in, converts, plans sweeps, keeps figures, answers queries. The first line
    printed says which address is really bound. Stops on Ctrl-C or SIGTERM; what was running goes
    on at the next start.

    \b
    Examples:
      edgerank controller
      edgerank controller --host 0.0.0.0 --port 7700 --state /srv/edgerank
    """
    log_to_stderr()
    for chatty in ("alembic", "httpx", "httpcore"):
        logging.getLogger(chatty).setLevel(logging.WARNING)

    def on_listening(bound_host: str, bound_port: int) -> None:
        click.echo(f"listening on {bound_host}:{bound_port}, state in {state_dir}")

    asyncio.run(serve(host, port, state_dir, on_listening))
