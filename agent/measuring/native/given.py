"""Writes what a network is given into files, for a runner that has no NumPy to draw it with."""

import hashlib
from pathlib import Path
from typing import Final

from agent.child.inputs import make_inputs
from agent.child.messages import Given
from protos.inputs import NetworkInput
from protos.reference.noise import reference_inputs
from protos.reference.outputs import ReferenceUnreadable, read_outputs

_INPUTS: Final = "inputs"
_REFERENCE_INPUTS: Final = "reference-inputs"


def write_given(
    folder: Path, takes: NetworkInput, seed: int, reference: Path | None = None
) -> Given:
    """Write the inputs of every inference, and those that outputs are compared on.

    Args:
        folder: that the files come into; it is there.
        takes: what one inference is given.
        seed: of the images.
        reference: the file of what the outputs should be; None compares none.

    Raises:
        OSError: there is no room, or the reference cannot be read.
    """
    inputs = make_inputs(takes, seed)
    arrays = (inputs.images, *(inputs.constants[each.name] for each in takes.kind.constants))
    path = folder / _INPUTS
    with path.open("wb") as file:
        for each in arrays:
            file.write(each.tobytes())
    reference_path = folder / _REFERENCE_INPUTS
    is_comparable = reference is not None and _write_reference(reference_path, takes, reference)
    return Given(
        inputs_path=str(path),
        reference_inputs_path=str(reference_path) if is_comparable else None,
    )


def _write_reference(path: Path, takes: NetworkInput, reference: Path) -> bool:
    """Write the inputs that a reference is of; False where this NumPy draws others."""
    try:
        wanted = read_outputs(reference).inputs_sha256
    except ReferenceUnreadable:
        # The controller is of another version: its digest was looked at when it came.
        return False
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for images in reference_inputs(takes):
            content = images.tobytes()
            digest.update(content)
            file.write(content)
    return digest.hexdigest() == wanted
