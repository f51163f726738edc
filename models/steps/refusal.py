"""How a step says no."""

from __future__ import annotations


class StepRefused(Exception):
    """A step found that its work cannot be done; the message is one sentence for a person."""


class ToolGaveNothing(StepRefused):
    """A tool ended without an error and without a result; what it printed may say why."""
