"""Limits of resources that a process sets on itself."""

from __future__ import annotations

import resource
from collections.abc import Mapping


def limit(wanted: Mapping[int, int]) -> None:
    """Set limits, hard and soft; a lower one that somebody set already is kept.

    Args:
        wanted: by `resource.RLIMIT_*`. Of memory that is RLIMIT_DATA and not RLIMIT_AS: runtimes
            and malloc reserve address space that they never touch (64 MiB for each thread's
            arena), so a limit on addresses fails networks that fit.
    """
    for kind, most in wanted.items():
        _, hard = resource.getrlimit(kind)
        # No limit can be raised.
        kept = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (kept, kept))
