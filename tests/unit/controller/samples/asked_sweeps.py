"""Sweeps that the command asks a controller for, which starts none of them."""

from dataclasses import replace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from controller.cli.sweeps import sweep as command
from controller.domain.sweeps import SweepSpec
from models.catalog.catalog import Catalog
from models.catalog.precisions import Precision
from protos.runtimes import OnnxRuntimeOptions
from tests.unit.controller.samples.measurements import catalog

KNOWN = catalog(A=75, B=76, C=77)


class Asked(Exception):
    """A controller was asked for a sweep."""

    def __init__(self, spec: SweepSpec) -> None:
        self.spec = spec


class Listener:
    """A client whose controller knows three backbones, and starts nothing."""

    def __init__(self, address: str) -> None:
        self.address = address

    def __enter__(self) -> "Listener":
        return self

    def __exit__(self, *_: object) -> None:
        """Has nothing to close."""

    def catalog(self) -> Catalog:
        return KNOWN

    def start_sweep(self, spec: SweepSpec, *_: object) -> Any:
        raise Asked(spec)


def asked_by(*arguments: str) -> SweepSpec:
    """The sweep that a controller is asked for by the command with these arguments."""
    done = asking(*arguments)
    assert isinstance(done.exception, Asked), done.output
    return done.exception.spec


def asking(*arguments: str) -> Result:
    """What came of the command with these arguments, which ends where a sweep would start."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(command, "QueryClient", Listener)
        return CliRunner().invoke(command.sweep, arguments)


def spelt_out(spec: SweepSpec) -> SweepSpec:
    """A sweep with its defaults spelt out."""
    return replace(
        spec,
        precisions=spec.precisions or (Precision.FP32,),
        batches=spec.batches or (1,),
        onnxruntime=spec.onnxruntime or OnnxRuntimeOptions(),
    )
