"""What a process can be kept from, and which of it this kernel can do."""

from __future__ import annotations

from enum import Enum

import landlockpy

from sandbox.calls import can_filter
from sandbox.files import TRUNCATION_ABI


class Layer(Enum):
    """What the kernel holds a process to."""

    FILES = "files"
    """It reads its libraries and what it was given, and writes in one folder (Landlock; before its
    third version, with a filter of calls that empty files)."""

    NETWORK = "network"
    """It has no sockets but pairs of its own, and no way to those of others (seccomp)."""

    PROCESSES = "processes"
    """It starts threads, and neither processes nor programs (seccomp)."""


def enforceable() -> frozenset[Layer]:
    """Return what this kernel can do on this machine, asked and not guessed by its version."""
    filtering = {Layer.NETWORK, Layer.PROCESSES} if can_filter() else set()
    try:
        abi = landlockpy.abi_version()
    except landlockpy.LandlockError:
        abi = 0
    holds_files = abi >= (1 if filtering else TRUNCATION_ABI)
    return frozenset(filtering | ({Layer.FILES} if holds_files else set()))
