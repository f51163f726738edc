"""What a person says of cores and runtime options reaches the sweep as it was meant."""

from collections.abc import Sequence

import click
import pytest
from click.testing import CliRunner, Result

from controller.cli.options.runtime import RuntimeSettings, runtime_options
from controller.domain.cores import CoreChoice, Cores
from protos.runtimes import GraphOptimization, OnnxRuntimeOptions


def given(arguments: Sequence[str]) -> tuple[Result, list[RuntimeSettings]]:
    received: list[RuntimeSettings] = []

    @click.command()
    @runtime_options
    def command(runtime_settings: RuntimeSettings) -> None:
        received.append(runtime_settings)

    return CliRunner().invoke(command, arguments), received


def test_nothing_said_is_the_ordinary() -> None:
    usual = RuntimeSettings(cores=Cores(), flush_denormals=False, onnxruntime=OnnxRuntimeOptions())
    assert given([])[1] == [usual]


def test_every_option_is_taken() -> None:
    arguments = ["--cores", "0,4-7", "--flush-denormals", "--no-spinning", "--no-arena"]
    arguments += ["--execution-provider", "XnnpackExecutionProvider"]
    arguments += ["--graph-optimization", "extended"]
    assert given(arguments)[1] == [
        RuntimeSettings(
            cores=Cores(choice=CoreChoice.LISTED, cpus=(0, 4, 5, 6, 7)),
            flush_denormals=True,
            onnxruntime=OnnxRuntimeOptions(
                execution_provider="XnnpackExecutionProvider",
                graph_optimization=GraphOptimization.EXTENDED,
                spinning=False,
                arena=False,
            ),
        )
    ]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--cores", "large"], "'large' names no cores; write big, little, all, or numbers"),
        (["--graph-optimization", "most"], "'disabled', 'basic', 'extended', 'all'"),
    ],
)
def test_a_wrong_word_gets_what_would_be_right(arguments: list[str], told: str) -> None:
    result, received = given(arguments)
    assert result.exit_code == 2
    assert told in " ".join(result.output.split())
    assert received == []
