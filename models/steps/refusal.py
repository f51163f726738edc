"""How a step says no."""

from __future__ import annotations

from models.gist import gist


class StepRefused(Exception):
    """A step found that its work cannot be done; the message is one sentence for a person."""


class ToolRefused(StepRefused):
    """A tool says no; the message has what is useful of that.

    Attributes:
        said: all that the tool said.
    """

    # With one argument, since a fork sends it through a pipe and pickle makes it anew so.
    def __init__(self, sentence: str, said: str = "") -> None:
        super().__init__(sentence)
        self.said = said


def refused_by_tool(beginning: str, said: str) -> ToolRefused:
    """Return the refusal whose sentence begins in our words: "ONNX Runtime cannot run it"."""
    return ToolRefused(f"{beginning}: {gist(said)}", said)


class ToolGaveNothing(StepRefused):
    """A tool ended without an error and without a result; what it printed may say why."""
