"""Own models as backbones: how they join the catalog, and what may join it."""

import re

from controller.domain.catalog import OwnModelHeader, check_size
from controller.domain.errors import EdgerankError, ErrorCode
from models.catalog.catalog import Catalog
from models.catalog.own import FILE_NAMES, OwnFormat, Trained, is_own
from models.names import nearest
from protos.inputs import MAX_CONSTANTS
from protos.names import is_name

MAX_CLASSES = 1_000_000

_SHA256 = re.compile(r"[0-9a-f]{64}")


def check_header(header: OwnModelHeader, catalog: Catalog) -> None:
    """Refuse a model before a byte of it has come.

    Raises:
        EdgerankError: INVALID_INPUT or NAME_TAKEN, saying what would do.
    """
    if not is_name(header.name):
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            f"{header.name[:80]!r} cannot name a model: a name is 1 to 64 letters, digits, '.', "
            "'_' or '-', and begins with a letter or digit",
        )
    check_name_free(header.name, catalog)
    files = header.files
    if len(files) != len(FILE_NAMES[header.format]) or not all(
        file.size_bytes > 0 and _SHA256.fullmatch(file.sha256) for file in files
    ):
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            f"{header.name} must come as {' and '.join(FILE_NAMES[header.format])}, none of them "
            "empty, each with its SHA-256",
        )
    if header.format is OwnFormat.WEIGHTS and not header.architecture:
        raise EdgerankError(
            ErrorCode.INVALID_INPUT, f"{header.name} must come with the architecture it is of"
        )
    if header.classes is not None and not 1 <= header.classes <= MAX_CLASSES:
        raise EdgerankError(
            ErrorCode.INVALID_INPUT, f"a network tells 1 to {MAX_CLASSES:,} classes apart"
        )
    if len(header.inputs) > MAX_CONSTANTS:
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            f"values are given for {len(header.inputs)} inputs of {header.name}; at most "
            f"{MAX_CONSTANTS} may have some",
        )
    if not all(each.name.isprintable() for each in header.inputs):
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            f"an input of {header.name} has a name that cannot be printed; give it another one",
        )
    check_size(header.name, sum(file.size_bytes for file in files))


def trained_of(header: OwnModelHeader, catalog: Catalog) -> Trained | None:
    """What the weights of a model are of; None of a format that has a graph.

    A backbone's name stands for its architecture and its input size.

    Raises:
        EdgerankError: UNKNOWN_NAME, with the nearest architectures.
    """
    if header.format is not OwnFormat.WEIGHTS:
        return None
    wanted = header.architecture or ""
    published = [backbone for backbone in catalog if not is_own(backbone)]
    by_name = {backbone.name: backbone for backbone in published}
    by_architecture = {backbone.architecture: backbone for backbone in reversed(published)}
    meant = by_name.get(wanted) or by_architecture.get(wanted)
    if meant is None:
        names = nearest(wanted, by_architecture)
        hint = f"; nearest: {', '.join(names)}" if names else ""
        raise EdgerankError(
            ErrorCode.UNKNOWN_NAME, f"the catalog has no architecture named {wanted!r:.80}{hint}"
        )
    return Trained(
        architecture=meant.architecture,
        evaluation_size=meant.input_size,
        classes=header.classes,
    )


def check_name_free(name: str, catalog: Catalog) -> None:
    """Refuse a name that differs from no other one but by case.

    Raises:
        EdgerankError: NAME_TAKEN.
    """
    for backbone in catalog:
        if backbone.name.casefold() == name.casefold():
            raise EdgerankError(
                ErrorCode.NAME_TAKEN,
                f"the catalog has {backbone.name} already; give your model another name",
            )
