"""The `edgerank` command: finds a command's module, and turns failures into exit codes."""

import importlib
import importlib.util
import io
import os
import resource
import sys
from collections.abc import Mapping
from typing import NamedTuple, NoReturn

import click
from click.shell_completion import CompletionItem

from controller.cli.interrupting import interrupts_surely

EXECUTION = 4
NO_MEMORY = b"error: not enough memory for this: free some, or raise what 'ulimit -d' allows\n"
# What the loader says of a library that does not fit.
NO_ROOM = ("failed to map segment", "cannot map zero-fill pages", "cannot allocate memory")
INTERRUPTED = 130
# An agent joins from 150 MB on; below 50 MB libraries of C++ abort, or leave half of themselves.
LEAST_DATA_BYTES = 128_000_000


class Listed(NamedTuple):
    """A command in the list of them: where its click object is, and the first sentence of it."""

    place: str
    short_help: str
    extra: str = "controller"


# Modules are loaded on use: an agent has no SQL package, whoever asks for help waits for none, and
# this table is the one place that names both sides.
COMMANDS: Mapping[str, Listed] = {
    "demo": Listed("controller.cli.demo:demo", "Run the whole job on this machine."),
    "controller": Listed(
        "controller.cli.operating.controller:controller", "Serve a fleet of agents."
    ),
    "agent": Listed(
        "agent.cli.command:agent", "Join a controller's fleet and measure what it sends.", "agent"
    ),
    "doctor": Listed(
        "controller.cli.operating.doctor:doctor", "Examine the set-up of this machine.", "agent"
    ),
    "mcp": Listed(
        "controller.cli.operating.mcp:mcp",
        "Let an assistant ask a controller, over standard input and output.",
        "mcp",
    ),
    "backup": Listed(
        "controller.cli.operating.backup:backup", "Write a controller's state to one file."
    ),
    "restore": Listed(
        "controller.cli.operating.backup:restore",
        "Let a backup take the place of a controller's state.",
    ),
    "deploy": Listed(
        "controller.cli.operating.deploying.deploy:deploy",
        "Bring agents to boards and phones, and look after them there.",
    ),
    "token": Listed(
        "controller.cli.access.token:token",
        "Let devices join a controller that listens on a network.",
    ),
    "access": Listed(
        "controller.cli.access.access:access",
        "Let people and programs ask a controller that listens on a network.",
    ),
    "login": Listed(
        "controller.cli.access.login:login",
        "Keep the token of a controller, and ask it from here on.",
    ),
    "logout": Listed("controller.cli.access.login:logout", "Forget the token of a controller."),
    "audit": Listed(
        "controller.cli.access.audit:audit", "Tell what was changed, by whom and when."
    ),
    "models": Listed("controller.cli.models:models", "List the catalog with accuracy and cost."),
    "accuracy": Listed("controller.cli.accuracy:accuracy", "Bring accuracy on your own datasets."),
    "convert": Listed("controller.cli.convert:convert", "Build artifacts ahead of a sweep."),
    "devices": Listed("controller.cli.devices:devices", "List the fleet's devices."),
    "sweep": Listed("controller.cli.sweeps.sweep:sweep", "Measure backbones on devices."),
    "plan": Listed(
        "controller.cli.sweeps.plan:plan",
        "Show what a sweep would measure, and how long it would take.",
    ),
    "follow": Listed(
        "controller.cli.sweeps.sweep:follow", "Follow a sweep that was started before."
    ),
    "cancel": Listed(
        "controller.cli.sweeps.sweep:cancel", "End a sweep; what was measured is kept."
    ),
    "pause": Listed(
        "controller.cli.sweeps.steering:pause", "Let a sweep give out no work until it is resumed."
    ),
    "resume": Listed("controller.cli.sweeps.steering:resume", "Let a paused sweep go on."),
    "edit": Listed("controller.cli.sweeps.steering:edit", "Make a sweep more or less urgent."),
    "retry": Listed("controller.cli.sweeps.retry:retry", "Measure what a sweep has no figures of."),
    "sweeps": Listed("controller.cli.sweeps.sweeps:sweeps", "List sweeps, the newest first."),
    "results": Listed("controller.cli.sweeps.results:results", "Show what was measured."),
    "predict": Listed(
        "controller.cli.rankings.predict:predict",
        "Tell what backbones would be measured at on a device where they were not.",
    ),
    "best": Listed(
        "controller.cli.rankings.best:best", "Say which backbone is best on a device, or on many."
    ),
    "find": Listed(
        "controller.cli.rankings.find:find",
        "Find the best backbone of a device, and measure no more than that needs.",
    ),
    "why": Listed("controller.cli.rankings.why:why", "Say why a backbone is not the best."),
    "tune": Listed(
        "controller.cli.rankings.tune:tune",
        "Search the fastest setting of one backbone on a device.",
    ),
    "report": Listed(
        "controller.cli.rankings.report:report",
        "Write a device's ranking as one HTML file, or as Markdown.",
    ),
    "reference": Listed(
        "controller.cli.rankings.reference:reference",
        "Set latency that others published beside what was measured.",
    ),
    "compare": Listed(
        "controller.cli.rankings.compare:compare", "Say whether B is faster or slower than A."
    ),
    "profile": Listed(
        "controller.cli.profile:profile",
        "Time a backbone on a device, operator by operator and layer by layer.",
    ),
    "export": Listed("controller.cli.sweeps.export:export", "Write every measurement to a file."),
    "import": Listed(
        "controller.cli.sweeps.importing:import_measurements",
        "Take in measurements that another controller exported.",
    ),
}
# A package of each extra that nothing else brings: without it the extra is not installed.
WITNESSES: Mapping[str, str] = {"agent": "psutil", "controller": "cloup", "mcp": "mcp"}
OUR_PACKAGES = ("agent", "controller", "models", "protos", "sandbox")


class MissingExtra(click.ClickException):
    """A command needs packages that are not installed."""

    exit_code = 4


class NoRoom(click.ClickException):
    """The process may not have the memory that any command needs."""

    exit_code = EXECUTION


class Commands(click.Group):
    """The commands, in the order in which a person meets them."""

    def list_commands(self, _context: click.Context) -> list[str]:
        """Every command."""
        return list(COMMANDS)

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        """The click object of a command, None for one that there is not."""
        if name not in COMMANDS:
            return None
        _check_memory()
        module_name, attribute = COMMANDS[name].place.split(":")
        try:
            module = importlib.import_module(module_name)
        except ModuleNotFoundError as error:
            if error.name is None or error.name.split(".")[0] in OUR_PACKAGES:
                raise
            return _unavailable(name, error.name)
        command: click.Command = getattr(module, attribute)
        return command

    def format_commands(self, _context: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the list of the commands, and loads none of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, _short_help(listed)) for name, listed in COMMANDS.items()])

    def shell_complete(self, context: click.Context, incomplete: str) -> list[CompletionItem]:
        """Completes the name of a command, and loads none of them."""
        names = [
            CompletionItem(name, help=_short_help(listed))
            for name, listed in COMMANDS.items()
            if name.startswith(incomplete)
        ]
        return [*names, *click.Command.shell_complete(self, context, incomplete)]

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that `args` start with; a wrong name gets the nearest right ones."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from models.names import nearest  # noqa: PLC0415 - only a wrong name needs it

            near = nearest(args[0], COMMANDS)
            hint = f"; nearest: {', '.join(near)}" if near else ""
            context.fail(f"no command is named {args[0]!r}{hint}")
        return super().resolve_command(context, args)


@click.group(
    cls=Commands,
    epilog='Completion: eval "$(_EDGERANK_COMPLETE=bash_source edgerank)" (or zsh_source, '
    "fish_source).",
)
@click.version_option(package_name="edgerank", prog_name="edgerank")
def edgerank() -> None:
    """Which image-classification backbone is best on this device, by measurement.

    \b
    Examples:
      edgerank demo                             the whole job on this machine
      edgerank controller                       serve a fleet
      edgerank agent --controller 10.0.0.5:7700 join it and measure
      edgerank best --device phone --max-latency 20ms
    """


def _check_memory() -> None:
    """Refuses before a library is loaded: several abort without memory, which nobody can catch."""
    allowed_bytes, _most = resource.getrlimit(resource.RLIMIT_DATA)
    if 0 <= allowed_bytes < LEAST_DATA_BYTES:
        raise NoRoom(
            f"'ulimit -d' allows {allowed_bytes / 1e6:.0f} MB of memory here and edgerank needs "
            f"{LEAST_DATA_BYTES / 1e6:.0f} MB: raise it"
        )


def _short_help(listed: Listed) -> str:
    is_installed = importlib.util.find_spec(WITNESSES[listed.extra]) is not None
    return listed.short_help if is_installed else f"(needs edgerank[{listed.extra}])"


def _unavailable(name: str, package: str) -> click.Command:
    extra = COMMANDS[name].extra

    @click.command(
        name,
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
        add_help_option=False,
    )
    def unavailable() -> None:
        raise MissingExtra(
            f"'edgerank {name}' needs the package {package}; "
            f"install it in edgerank's folder with: pip install '.[{extra}]'"
        )

    return unavailable


def main() -> NoReturn:
    """Runs the command line.

    Exit codes: 2 input, 3 nothing found, 4 execution, 5 regression, 130 Ctrl-C.
    """
    # Before a command loads gRPC, which writes lines of what strangers say in handshakes, also at
    # ERROR, without a limit; what it fails at comes as a status or an exception besides.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A letter that the terminal's encoding lacks is told by its number, as on stderr.
        sys.stdout.reconfigure(errors="backslashreplace")
    with interrupts_surely():
        status = _run()
    sys.exit(status)


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
    except (MemoryError, ImportError) as error:
        if isinstance(error, ImportError) and not any(map(str(error).__contains__, NO_ROOM)):
            raise
        # Neither click's printing nor a library's end can be relied on without memory.
        os.write(2, NO_MEMORY)
        os._exit(EXECUTION)
    except BrokenPipeError:
        # Whoever read our output has enough of it.
        sys.stderr.close()
        return 0
    return status if isinstance(status, int) else 0


def _say(sentence: str) -> None:
    click.echo(f"{click.style('error:', fg='red', bold=True)} {sentence}", err=True)


if __name__ == "__main__":
    main()
