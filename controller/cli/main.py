"""The `edgerank` command: finds a command's module, and turns failures into exit codes."""

import importlib
import sys
from collections.abc import Mapping
from importlib.metadata import version
from typing import NoReturn

import click

from protos.codec import MessageInvalid

INTERRUPTED = 130

# Command to where its click object is. Modules are loaded on use: an agent has no SQL package, and
# this table is the one place that names both sides.
COMMANDS: Mapping[str, str] = {
    "demo": "controller.cli.demo:demo",
    "controller": "controller.cli.controller:controller",
    "agent": "agent.command:agent",
    "models": "controller.cli.models:models",
    "accuracy": "controller.cli.accuracy:accuracy",
    "convert": "controller.cli.convert:convert",
    "devices": "controller.cli.devices:devices",
    "sweep": "controller.cli.sweep:sweep",
    "follow": "controller.cli.sweep:follow",
    "cancel": "controller.cli.sweep:cancel",
    "best": "controller.cli.best:best",
    "report": "controller.cli.report:report",
    "compare": "controller.cli.compare:compare",
    "profile": "controller.cli.profile:profile",
    "export": "controller.cli.export:export",
}
# Which extra brings the package that a command did not find.
EXTRAS: Mapping[str, str] = {"agent": "agent"}
OUR_PACKAGES = ("agent", "controller", "models", "protos")


class MissingExtra(click.ClickException):
    """A command needs packages that are not installed."""

    exit_code = 4


class Commands(click.Group):
    """The commands, in the order in which a person meets them."""

    def list_commands(self, _context: click.Context) -> list[str]:
        """Every command."""
        return list(COMMANDS)

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        """The click object of a command, None for one that there is not."""
        if name not in COMMANDS:
            return None
        module_name, attribute = COMMANDS[name].split(":")
        try:
            module = importlib.import_module(module_name)
        except ModuleNotFoundError as error:
            if error.name is None or error.name.split(".")[0] in OUR_PACKAGES:
                raise
            return _unavailable(name, error.name)
        command: click.Command = getattr(module, attribute)
        return command

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that `args` start with; a wrong name gets the nearest right ones."""
        from models.names import nearest  # noqa: PLC0415 - only a wrong name needs it

        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            near = nearest(args[0], COMMANDS)
            hint = f"; nearest: {', '.join(near)}" if near else ""
            context.fail(f"no command is named {args[0]!r}{hint}")
        return super().resolve_command(context, args)


@click.group(
    cls=Commands,
    epilog='Completion: eval "$(_EDGERANK_COMPLETE=bash_source edgerank)" (or zsh_source, '
    "fish_source).",
)
@click.version_option(version("edgerank"), prog_name="edgerank")
def edgerank() -> None:
    """Which image-classification backbone is best on this device, by measurement.

    \b
    Examples:
      edgerank demo                             the whole job on this machine
      edgerank controller                       serve a fleet
      edgerank agent --controller 10.0.0.5:7700 join it and measure
      edgerank best --device phone --max-latency 20ms
    """


def _unavailable(name: str, package: str) -> click.Command:
    extra = EXTRAS.get(name, "controller")

    @click.command(
        name,
        short_help=f"(needs edgerank[{extra}])",
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
        add_help_option=False,
    )
    def unavailable() -> None:
        raise MissingExtra(
            f"'edgerank {name}' needs the package {package}; "
            f"install it with: pip install 'edgerank[{extra}]'"
        )

    return unavailable


def main() -> NoReturn:
    """Runs the command line.

    Exit codes: 2 input, 3 nothing found, 4 execution, 5 regression, 130 Ctrl-C.
    """
    sys.exit(_run())


def _run() -> int:
    try:
        status = edgerank.main(standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except KeyboardInterrupt:
        return INTERRUPTED
    except click.ClickException as error:
        _say(error.format_message())
        return error.exit_code
    except BrokenPipeError:
        # Whoever read our output has enough of it.
        sys.stderr.close()
        return 0
    except MessageInvalid as error:
        _say(str(error))
        return 4
    return status if isinstance(status, int) else 0


def _say(sentence: str) -> None:
    click.echo(f"{click.style('error:', fg='red', bold=True)} {sentence}", err=True)


if __name__ == "__main__":
    main()
