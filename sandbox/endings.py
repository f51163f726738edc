"""How a process that is held to its limits ended, in words."""

import signal


def ending_of(returncode: int) -> str:
    """How a process ended, by a code as of `subprocess`: "died by SIGSEGV"."""
    if returncode >= 0:
        return f"exited with code {returncode}"
    try:
        return f"died by {signal.Signals(-returncode).name}"
    except ValueError:
        return f"died by signal {-returncode}"
