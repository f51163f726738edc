"""Which share of nodes ran where."""

from dataclasses import replace

from controller.figures.delegation import delegation_figures
from protos.measuring import ProviderUse, Repetition
from tests.unit.controller.samples.measurements import repetition

OWN = ProviderUse(provider="OpenVINOExecutionProvider", node_count=3, total_ns=9_000)
REST = ProviderUse(provider="CPUExecutionProvider", node_count=1, total_ns=1_000)


def ran(*uses: ProviderUse) -> Repetition:
    return replace(repetition((1,)), providers=uses)


def test_shares_are_of_nodes_and_of_their_time() -> None:
    found = delegation_figures([ran(OWN, REST)])
    assert found is not None
    assert not found.is_full
    assert [(each.provider, each.node_share, each.time_share) for each in found.providers] == [
        ("OpenVINOExecutionProvider", 0.75, 0.9),
        ("CPUExecutionProvider", 0.25, 0.1),
    ]


def test_it_is_full_where_no_repetition_that_tells_left_a_node_to_the_cpu() -> None:
    full = delegation_figures([ran(OWN), ran(), ran(OWN)])
    assert full is not None
    assert full.is_full
    once = delegation_figures([ran(OWN, REST), ran(OWN)])
    assert once is not None
    assert not once.is_full
    assert delegation_figures([ran()]) is None
