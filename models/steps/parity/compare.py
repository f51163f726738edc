"""The parity measure: how far one runtime's outputs are from Paddle's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from models.processes.requests import ParityAnswer, ParityRequest
from models.recipes.acceptance import MAX_ROUNDING_DIFFERENCE
from models.steps.forked import Forked
from models.steps.parity.agreement import least_correlation
from models.steps.parity.constants import constant_arrays
from models.steps.refusal import StepRefused
from protos.reference.differences import relative_difference, top1_agreement

Array = npt.NDArray[np.float32]
Constants = dict[str, npt.NDArray[Any]]
Infer = Callable[[Array, Constants], Sequence[Array]]
"""One inference: a batch of images and the other inputs by name in, the outputs in the network's
order out."""

_ADVICE = "ask for a precision that keeps more of this network, such as fp32"


@dataclass(frozen=True, slots=True)
class Reference:
    """Reference inputs, each output stacked over them, and what computed these."""

    inputs: Array
    outputs: list[Array]
    origin: str


def check_sensitivity(rounding: float) -> None:
    """Raise StepRefused when one rounding of the input moves outputs too far to compare them."""
    if not rounding <= MAX_ROUNDING_DIFFERENCE:
        raise StepRefused(
            f"one rounding of its input moves the outputs by {rounding:.2g} relative, so that no "
            "comparison between runtimes means anything"
        )


def compare_with_reference(load: Callable[[], Infer], request: ParityRequest) -> ParityAnswer:
    """Run reference inputs through an artifact and compare all outputs, the latter half in a fork.

    Args:
        load: loads the artifact and gives one inference, here and in the fork, which begins
            before: whoever holds a stranger's bytes then needs to start nothing any more.
        request: what is compared, and what passes.

    Raises:
        StepRefused: an output is not finite, has another shape, differs beyond tolerance, or too
            little is left of what tells the inputs apart.
    """
    stored = read_reference(request.reference_path, request.input_count)
    inputs, references, origin = stored.inputs, stored.outputs, stored.origin
    others = constant_arrays(request.constants, inputs.shape[1])

    def compare(numbers: range) -> list[tuple[list[Array], float]]:
        run = load()
        runs = []
        for number in numbers:
            outputs = [
                output.astype(np.float32, copy=False) for output in run(inputs[number], others)
            ]
            of_input = [each[number] for each in references]
            runs.append((outputs, _difference(number, outputs, of_input, request, origin)))
        return runs

    half = len(inputs) // 2
    with Forked(lambda: compare(range(half, len(inputs)))) as latter:
        runs = compare(range(half)) + latter.result()
    worst = max(difference for _, difference in runs)
    if request.least_correlation is None:
        return ParityAnswer(worst, len(inputs))
    stacked = [np.stack(each) for each in zip(*(outputs for outputs, _ in runs), strict=True)]
    correlation = least_correlation(stacked, references)
    if not correlation >= request.least_correlation:
        raise StepRefused(
            f"of what tells {len(inputs)} reference inputs apart a correlation of "
            f"{correlation:.2f} with {origin}'s outputs is left, below "
            f"{request.least_correlation:g}; {_ADVICE}"
        )
    agreement = top1_agreement(stacked[0], references[0])
    return ParityAnswer(worst, len(inputs), agreement, correlation)


def read_reference(path: str, input_count: int) -> Reference:
    """Read the first inputs of a file of `models.steps.parity.reference`, and their outputs."""
    with np.load(path) as stored:
        return Reference(
            inputs=stored["inputs"][:input_count],
            outputs=[
                stored[f"output_{i}"][:input_count] for i in range(int(stored["output_count"]))
            ],
            origin=str(stored["origin"]) if "origin" in stored else "Paddle",
        )


def _difference(
    number: int,
    outputs: Sequence[Array],
    references: Sequence[Array],
    request: ParityRequest,
    origin: str,
) -> float:
    """Return how far the outputs on one reference input are off, or refuse them."""
    if len(outputs) != len(references):
        raise StepRefused(f"gives {len(outputs)} outputs where {origin} gives {len(references)}")
    worst = 0.0
    for output, reference in zip(outputs, references, strict=True):
        difference = relative_difference(output, reference, request.least_score)
        if not difference <= request.tolerance:
            raise StepRefused(_describe(number, output, reference, request, origin))
        worst = max(worst, difference)
    return worst


def _describe(
    number: int, output: Array, reference: Array, request: ParityRequest, origin: str
) -> str:
    where = f"on reference input {number}"
    difference = relative_difference(output, reference, request.least_score)
    if output.shape != reference.shape:
        return f"the output's shape {where} is {output.shape} where {origin}'s is {reference.shape}"
    broken = int(output.size - np.isfinite(output).sum())
    if broken:
        return f"{broken} of {output.size} outputs {where} are not finite numbers"
    worst = int(np.abs(output - reference).argmax())
    advice = "" if request.least_correlation is None else f"; {_ADVICE}"
    return (
        f"outputs {where} differ from {origin}'s by {difference:.2g} "
        f"relative, beyond the tolerance of {request.tolerance:g} (worst: {output.flat[worst]:.6g} "
        f"against {reference.flat[worst]:.6g}){advice}"
    )
