"""`edgerank retry`: what a sweep left undone, by another one."""

import click
from rich.console import Console

from controller.cli.options.asking import controller_option, json_option
from controller.cli.options.failures import says_failures
from controller.cli.printing.telling import print_line
from controller.cli.sweeps.sweep import follow_to_end, leave_alone, no_follow_option
from controller.client import QueryClient
from controller.views.sweeps.words import retry_words


@click.command()
@click.argument("sweep_id", metavar="SWEEP")
@click.option(
    "--failed", "only_failed", is_flag=True, help="What failed; what was cancelled stays so."
)
@no_follow_option
@controller_option
@json_option
@says_failures
def retry(
    *, sweep_id: str, only_failed: bool, no_follow: bool, address: str, as_json: bool
) -> None:
    """Measure what a sweep has no figures of.

    Starts another sweep, of the jobs that failed or were cancelled on devices that are still there,
    told the same, and follows it. What was measured is not measured again, stays where it is, and
    is the new sweep's, too; so are name, priority and deadline. The sweep has to be over. It is
    retried once: asked again, the command follows the same new sweep, and what failed there is
    retried by naming that. SWEEP is an id, a beginning of it that no other has, or a name, of
    several sweeps the newest one's.

    \b
    Examples:
      edgerank retry nightly --failed
      edgerank retry 3f2a9c01b7de
    """
    console = Console(stderr=as_json)
    with QueryClient(address) as client:
        started, is_new = client.retry_sweep(sweep_id, only_failed=only_failed)
        print_line(console, retry_words(started, is_new=is_new))
        show = leave_alone if no_follow else follow_to_end
        show(client, started.sweep_id, console, as_json)
