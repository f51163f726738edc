"""Step: check weights that a person trained, and run the network that they are of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from paddle.utils import unique_name

from models.catalog.features import NetworkCount
from models.catalog.own import FILE_NAMES, OwnFormat, Trained
from models.kinds import PICKLE
from models.processes.requests import AdoptAnswer, AdoptRequest, ExportRequest
from models.recipes.synthetic import SEED
from models.steps.counting.programs import count_program
from models.steps.paddle import architectures
from models.steps.paddle.blank import blank_weights
from models.steps.paddle.fusion import fuse_blocks
from models.steps.paddle.network import refusing_size, run_all, with_weights
from models.steps.paddle.pretrained import read_arrays
from models.steps.paddle.tracing import trace
from models.steps.parity.adopted import Adopted, Feed, run_reference
from models.steps.parity.compare import Array
from models.steps.parity.constants import check_names
from models.steps.parity.reference import reference_inputs
from models.steps.refusal import StepRefused, refuse_other_kinds
from protos.inputs import NetworkInput

# Two numbers of classes, to see which parameters depend on it.
_PROBES = (1000, 1001)
# A network of PaddleClas has one input, whose name nobody sees.
_IMAGE = "image"


def run(request: AdoptRequest) -> AdoptAnswer:
    """Write the reference outputs of the network with the weights.

    Raises:
        StepRefused: the file is no weights, or they do not fit the architecture, its input size or
            the classes that were asked for.
    """
    trained = request.trained
    assert trained is not None
    path = Path(request.folder) / FILE_NAMES[OwnFormat.WEIGHTS][0]
    refuse_other_kinds(path, "weights (.pdparams)", PICKLE)
    check_names((), request.values)
    takes = NetworkInput(
        size=request.input_size or trained.evaluation_size, batch=request.batch or 1
    )
    exporting = ExportRequest(
        architecture=trained.architecture,
        input_size=takes.size,
        batch=takes.batch,
        evaluation_size=trained.evaluation_size,
        weights_path=str(path),
        seed=SEED,
        program_prefix=request.output,
        reference_path=request.reference_path,
        classes=_classes(trained, read_arrays(path)),
    )
    with refusing_size(exporting):
        network, _ = with_weights(exporting, reference_inputs(takes))

    def infer(feed: Feed) -> list[Array]:
        with refusing_size(exporting):
            return [output[0] for output in run_all(network, feed[_IMAGE][np.newaxis])]

    adopted = Adopted(image=_IMAGE, takes=takes, assumed=())
    output_shapes, _ = run_reference(infer, adopted, request, "Paddle")
    fuse_blocks(network)
    params = sum(int(each.size) for each in network.parameters() if each.trainable)
    return AdoptAnswer(
        takes=takes,
        params=params,
        output_shapes=output_shapes,
        classes=exporting.classes,
        count=_count(network, takes, params) if takes.batch == 1 else None,
    )


def _count(network: Any, takes: NetworkInput, params: int) -> NetworkCount:
    return count_program(trace(network, takes.shape).forward.main_program, params)


def _classes(trained: Trained, arrays: Mapping[str, npt.NDArray[Any]]) -> int | None:
    """Return how many classes the weights are for; None where no parameter of them tells."""
    told = sorted(set(_told_classes(trained.architecture, arrays)))
    if len(told) > 1:
        counts = ", ".join(map(str, told[:5]))
        raise StepRefused(
            f"the weights file is of another network than {trained.architecture}: what depends on "
            f"the number of classes there has the sizes {counts}"
        )
    if told and trained.classes not in (None, told[0]):
        raise StepRefused(
            f"the weights file is for {told[0]} classes, and {trained.classes} were asked for"
        )
    return told[0] if told else trained.classes


def _told_classes(architecture: str, arrays: Mapping[str, npt.NDArray[Any]]) -> Iterator[int]:
    few, more = (_shapes(architecture, classes) for classes in _PROBES)
    for name, shape in few.items():
        found = arrays[name].shape if name in arrays else ()
        if len(found) != len(shape):
            continue
        for size, of_few, of_more in zip(found, shape, more[name], strict=True):
            if (of_few, of_more) == _PROBES:
                yield size


def _shapes(architecture: str, classes: int) -> dict[str, tuple[int, ...]]:
    # Some architectures name their parameters, and Paddle takes each name once.
    with unique_name.guard(), blank_weights():
        state = architectures.build(architecture, classes).state_dict()
    return {name: tuple(parameter.shape) for name, parameter in state.items()}
