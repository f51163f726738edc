"""What cannot be converted at all, by series and runtime, and what stops it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from models.catalog.variants import Format


@dataclass(frozen=True, slots=True)
class Stopper:
    """Why no backbone of a series gets an artifact of some formats.

    Attributes:
        series: the series.
        formats: formats that it has no artifact of.
        package: what stops it.
        version: of that package, the one that was tried; another one is given a try.
        reason: the operator or piece of code that stops it, as the end of a sentence.
    """

    series: str
    formats: tuple[Format, ...]
    package: str
    version: str
    reason: str

    @property
    def sentence(self) -> str:
        """The whole reason, for a person."""
        return f"{self.package} {self.version} stops the series {self.series}: {self.reason}"


STOPPERS: tuple[Stopper, ...] = (
    Stopper(
        series="SwinTransformerV2",
        formats=(Format.PADDLELITE, Format.ONNX),
        package="paddleclas",
        version="2.6.0",
        reason=(
            "its forward functions read names that nothing defines (output_dimensions, "
            "height_pad, get_attn_mask), so that the network cannot run"
        ),
    ),
)
"""Every such series that is known."""


def stoppers_of(series: str) -> tuple[Stopper, ...]:
    """Return what stops a series in any format, with the versions that were tried."""
    return tuple(stopper for stopper in STOPPERS if stopper.series == series)


def find_stopper(series: str, format_: Format, installed: Mapping[str, str]) -> Stopper | None:
    """Return what stops a series in a format with these versions of packages, or None."""
    return next(
        (
            stopper
            for stopper in stoppers_of(series)
            if format_ in stopper.formats and installed.get(stopper.package) == stopper.version
        ),
        None,
    )
