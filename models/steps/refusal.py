"""How a step says no."""

from __future__ import annotations

from pathlib import Path

from models.gist import gist
from models.kinds import START_BYTES, kind_of


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


def refuse_other_kinds(path: Path, wanted: str, kind_wanted: str = "") -> None:
    """Refuse a file whose first bytes say that it is something else.

    Args:
        path: the file.
        wanted: what it is to be, in words.
        kind_wanted: which of the known kinds that is, if one.

    Raises:
        StepRefused: naming what it is.
    """
    with path.open("rb") as stream:
        kind = kind_of(stream.read(START_BYTES), kind_wanted)
    if kind is not None:
        remedy = f"; {kind.remedy}" if kind.remedy else ""
        raise StepRefused(f"the file is {kind.name}, not {wanted}{remedy}")


class ToolGaveNothing(StepRefused):
    """A tool ended without an error and without a result; what it printed may say why."""
