"""Which controller a command asks, and for whom it prints the answer."""

import click

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 7700
OPEN_TO_ALL = (
    "warning: this controller was started with --insecure: nothing is encrypted, and everybody who "
    "reaches it may do everything"
)

controller_option = click.option(
    "--controller",
    "address",
    metavar="HOST:PORT",
    default=f"{DEFAULT_HOST}:{DEFAULT_PORT}",
    show_default=True,
    envvar="EDGERANK_CONTROLLER",
    show_envvar=True,
    help="The controller to ask.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON (see docs/json.md).")
