"""Compares what a network gives on the reference inputs with what it should give."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from agent.runtimes import InputArray, Network
from protos.inputs import NetworkInput
from protos.measuring import OutputCheck
from protos.reference.differences import (
    l2_relative_difference,
    relative_difference,
    top1_agreement,
)
from protos.reference.noise import reference_inputs
from protos.reference.outputs import Numbers, ReferenceOutputs

TELLING_APART: Final = 0.01
"""What a reference that tells its inputs apart differs by, relative to its largest number."""


@dataclass(frozen=True)
class Answer:
    """What a network gave on one input.

    Attributes:
        shapes: of its outputs.
        kept: of each output the numbers that the reference keeps; none where shapes are others.
        nonfinite: how many of all numbers are NaN or infinite.
        count: all numbers.
    """

    shapes: tuple[tuple[int, ...], ...]
    kept: tuple[Numbers, ...]
    nonfinite: int
    count: int


def check_outputs(
    network: Network,
    reference: ReferenceOutputs,
    takes: NetworkInput,
    constants: Mapping[str, InputArray],
) -> OutputCheck | None:
    """Run a network on the reference inputs and compare; its input is another one then.

    Returns:
        None where this machine makes other inputs of the seed than the reference is of, as a NumPy
        may that draws other numbers, and where the reference kept nothing but zeros of one input.

    Raises:
        RuntimeRefused: the runtime could not compute.
    """
    if not all(one.any() for output in reference.kept for one in output):
        return None
    digest, answers = hashlib.sha256(), []
    for images in reference_inputs(takes):
        digest.update(images.tobytes())
        network.set_input(images, constants)
        answers.append(answer_of(network.compute(), reference))
    if digest.hexdigest() != reference.inputs_sha256:
        return None
    return compare(answers, reference)


def answer_of(outputs: Sequence[InputArray], reference: ReferenceOutputs) -> Answer:
    """What of the outputs on one input is compared."""
    shapes = tuple(tuple(each.shape) for each in outputs)
    are_wanted = shapes == reference.shapes
    return Answer(
        shapes=shapes,
        kept=tuple(map(reference.of_one, outputs)) if are_wanted else (),
        nonfinite=sum(int(each.size - np.isfinite(each).sum()) for each in outputs),
        count=sum(each.size for each in outputs),
    )


def compare(answers: Sequence[Answer], reference: ReferenceOutputs) -> OutputCheck:
    """What can be said of the answers to the reference inputs, in their order."""
    count = sum(each.count for each in answers)
    nonfinite_share = sum(each.nonfinite for each in answers) / count if count else 0.0
    if any(each.shapes != reference.shapes for each in answers):
        return OutputCheck(
            input_count=len(answers), nonfinite_share=nonfinite_share, is_other_shape=True
        )
    given = [np.stack(each) for each in zip(*(answer.kept for answer in answers), strict=True)]
    return OutputCheck(
        input_count=len(answers),
        max_relative_difference=_worst(relative_difference, given, reference),
        l2_relative_difference=_worst(l2_relative_difference, given, reference),
        top1_agreement=_top1(given[0], reference),
        nonfinite_share=nonfinite_share,
        is_constant=any(map(_is_constant, given, reference.kept)),
    )


def _worst(
    difference: Callable[[Numbers, Numbers, float], float],
    given: Iterable[Numbers],
    reference: ReferenceOutputs,
) -> float | None:
    """The largest difference over inputs and outputs; None where one cannot be said."""
    worst = max(
        difference(ours, theirs, reference.least_score)
        for output, wanted in zip(given, reference.kept, strict=True)
        for ours, theirs in zip(output, wanted, strict=True)
    )
    return worst if np.isfinite(worst) else None


def _top1(scores: Numbers, reference: ReferenceOutputs) -> float | None:
    shape = reference.shapes[0]
    if reference.step > 1 or not shape or shape[-1] < 2:
        return None
    wanted = reference.kept[0].reshape(-1, shape[-1])
    return top1_agreement(scores.reshape(-1, shape[-1]), wanted)


def _is_constant(output: Numbers, wanted: Numbers) -> bool:
    """Whether all inputs give the same, of which the reference tells some apart."""
    apart = np.abs(wanted - wanted[0]).max()
    return bool((output == output[0]).all() and apart > TELLING_APART * np.abs(wanted).max())
