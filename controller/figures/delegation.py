"""Where nodes really ran: a provider leaves to the CPU what it does not have."""

from collections.abc import Sequence

from controller.domain.measurements import DelegationFigures, ProviderShare
from protos.measuring import Repetition
from protos.runtimes import CPU_PROVIDER


def delegation_figures(repetitions: Sequence[Repetition]) -> DelegationFigures | None:
    """Derive which provider ran how much, by the last repetition that tells; None where none does.

    It is full where no repetition that tells has a node on the CPU.
    """
    told = [each.providers for each in repetitions if each.providers]
    if not told:
        return None
    uses = told[-1]
    nodes, whole_ns = sum(use.node_count for use in uses), sum(use.total_ns for use in uses)
    return DelegationFigures(
        providers=tuple(
            ProviderShare(
                provider=use.provider,
                node_count=use.node_count,
                node_share=use.node_count / nodes,
                time_share=use.total_ns / whole_ns if whole_ns else 0.0,
            )
            for use in uses
        ),
        is_full=all(use.provider != CPU_PROVIDER for each in told for use in each),
    )
