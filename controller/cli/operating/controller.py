"""`edgerank controller`: serves a fleet."""

import asyncio
import logging
from functools import partial
from pathlib import Path

import click
from platformdirs import user_data_path

from controller.cli.options.asking import DEFAULT_HOST, DEFAULT_PORT, OPEN_TO_ALL
from controller.cli.options.failures import says_failures
from controller.cli.options.values import Converted
from controller.client.logins import Login, forget_login, keep_login
from controller.domain.errors import EdgerankError
from controller.domain.quantities import parse_bytes_per_s, parse_lifetime_ms
from controller.server.serving import Listening, MetricsPlace, PushLimits, Wanted, WebWanted, serve
from protos.log_lines import LogFormat, event_log, log_to_stderr

log = event_log(__name__)


@click.command()
@click.option(
    "--host",
    default=DEFAULT_HOST,
    show_default=True,
    help="Address to listen on. Any but a loopback address is listened on with TLS, and asks "
    "devices for certificates and people for tokens.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=DEFAULT_PORT,
    show_default=True,
    help="0 takes any free one.",
)
@click.option(
    "--fleet-port",
    type=click.IntRange(0, 65535),
    help="With TLS, where devices connect once they have a certificate.  [default: the next port]",
)
@click.option(
    "--insecure",
    is_flag=True,
    help="No TLS, and whoever reaches the address may do everything.",
)
@click.option(
    "--certificate-lifetime",
    "lifetime_ms",
    metavar="TIME",
    type=Converted("lifetime", parse_lifetime_ms),
    default="30d",
    show_default=True,
    help="How long a device may be away before it has to join anew.",
)
@click.option(
    "--state",
    "state_dir",
    type=click.Path(path_type=Path),
    default=lambda: user_data_path("edgerank") / "controller",
    show_default="the user's data folder",
    help="Folder of the database, artifacts, keys and weights.",
)
@click.option(
    "--push-limit",
    metavar="RATE",
    type=Converted("rate", parse_bytes_per_s),
    help="How fast artifacts go to all devices together, as in 20MB/s or 100Mbit/s.  "
    "[default: as fast as can be]",
)
@click.option(
    "--push-limit-per-device",
    metavar="RATE",
    type=Converted("rate", parse_bytes_per_s),
    help="The same to one device.",
)
@click.option(
    "--web-port",
    metavar="PORT|none",
    help="Where web pages and the query API over HTTP are; 0 takes any free one, none does without "
    "them.  [default: the second one after --port]",
)
@click.option(
    "--web-name",
    "web_names",
    metavar="NAME",
    multiple=True,
    help="A name under which browsers ask for the web pages, besides this machine's own.",
)
@click.option(
    "--metrics",
    "metrics_place",
    metavar="[HOST:]PORT",
    help="Serve Prometheus metrics over plain HTTP, on 127.0.0.1 unless told otherwise; 0 takes "
    "any free port.  [default: none]",
)
@click.option(
    "--metrics-insecure",
    is_flag=True,
    help="Whoever reaches the address of --metrics may read them.",
)
@click.option(
    "--log-format",
    type=click.Choice([each.value for each in LogFormat]),
    default=LogFormat.TEXT.value,
    show_default=True,
    help="How the log is written where standard error is no terminal: text is key=value.",
)
@says_failures
def controller(
    *,
    host: str,
    port: int,
    fleet_port: int | None,
    insecure: bool,
    lifetime_ms: int,
    state_dir: Path,
    push_limit: float | None,
    push_limit_per_device: float | None,
    web_port: str | None,
    web_names: tuple[str, ...],
    metrics_place: str | None,
    metrics_insecure: bool,
    log_format: str,
) -> None:
    """Serve a fleet of agents.

    Takes agents in, converts, plans sweeps, keeps figures, answers queries. The first line
    printed says which address is really bound. Stops on Ctrl-C or SIGTERM; what was running goes
    on at the next start.

    \b
    Examples:
      edgerank controller
      edgerank controller --host 0.0.0.0 --port 7700 --state /srv/edgerank
      edgerank controller --metrics 9187 --log-format json
      edgerank controller --web-port 8080
      edgerank controller --push-limit 20MB/s --push-limit-per-device 5MB/s
    """
    log_to_stderr(LogFormat(log_format))
    for chatty in ("alembic", "httpx", "httpcore"):
        logging.getLogger(chatty).setLevel(logging.WARNING)

    wanted = Wanted(
        host=host,
        port=port,
        fleet_port=fleet_port,
        insecure=insecure,
        certificate_lifetime_ms=lifetime_ms,
        push=PushLimits(in_all_bytes_per_s=push_limit, a_device_bytes_per_s=push_limit_per_device),
    )
    # Converting children work in folders of their own.
    state_dir = state_dir.absolute()
    metrics = None
    if metrics_place is not None:
        metrics = MetricsPlace.parse(metrics_place, open_to_all=metrics_insecure)
    serving = serve(
        wanted,
        state_dir,
        metrics=metrics,
        web=WebWanted.parse(web_port, web_names),
        on_listening=partial(_tell_listening, state_dir, insecure),
        on_authority=_log_owner_in,
    )
    asyncio.run(serving)


def _tell_listening(
    state_dir: Path, insecure: bool, listening: Listening, metrics_address: str | None
) -> None:
    click.echo(f"listening on {listening.host}:{listening.port}, state in {state_dir}")
    if listening.fleet_port is not None:
        click.echo(
            f"with TLS; devices connect to port {listening.fleet_port}, and join with a token "
            "of 'edgerank token create'"
        )
    if listening.web_address is not None:
        click.echo(f"web pages and query API at {listening.web_address}")
    if metrics_address is not None:
        click.echo(f"metrics at {metrics_address}")
    if insecure:
        click.echo(OPEN_TO_ALL, err=True)


def _log_owner_in(listening: Listening) -> None:
    """Lets who runs it ask it from this machine, with TLS or without; the kernel knows them."""
    for host in ("127.0.0.1", "localhost", "[::1]"):
        address = f"{host}:{listening.port}"
        try:
            if listening.authority_pem is None:
                forget_login(address)
            else:
                keep_login(address, Login(listening.authority_pem))
        except EdgerankError as error:
            # A service's user may have no home; whoever asks it then has a token.
            log.warning("the owner has no login", error=error)
