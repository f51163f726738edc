"""Two sides that selectors cannot say: devices, or settings, compared pair by pair."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from controller.domain.comparisons import Comparison, Limits
from controller.domain.measurements import Measurement
from controller.domain.selectors import Selector
from controller.ranking.comparison import compare
from models.catalog.precisions import Precision
from protos.runtimes import Runtime


@dataclass(frozen=True, kw_only=True)
class Side:
    """What a side's measurements are of; None is anything.

    Attributes:
        label: what people call it.
        device: where they were taken.
        backbone: of what.
        runtime: with what.
        threads: how many.
        precision: of the file.
    """

    label: str
    device: str | None = None
    backbone: str | None = None
    runtime: Runtime | None = None
    threads: int | None = None
    precision: Precision | None = None

    def selects(self, measurement: Measurement) -> bool:
        """Say whether a measurement is of this side."""
        return (
            self.device in (None, measurement.device)
            and self.backbone in (None, measurement.backbone)
            and self.threads in (None, measurement.threads)
            and self.precision in (None, measurement.precision)
        )


def compare_sides(
    a: Side, b: Side, in_a: Iterable[Measurement], in_b: Iterable[Measurement], limits: Limits
) -> Comparison:
    """Pair what is the same but for what the sides name differently, and judge every pair.

    Args:
        a: what is compared with.
        b: what is judged.
        in_a: measurements among which A's are, oldest first.
        in_b: the same for B.
        limits: what counts as the same.
    """
    of_a, of_b = list(filter(a.selects, in_a)), list(filter(b.selects, in_b))
    originals = {each.measurement_id: each for each in (*of_a, *of_b)}
    found = compare(
        Selector(text=a.label, runtime=a.runtime),
        Selector(text=b.label, runtime=b.runtime),
        [_alike(each, a, b) for each in of_a],
        [_alike(each, a, b) for each in of_b],
        limits,
    )
    pairs = (
        replace(
            pair,
            a=originals[pair.a.measurement_id],
            b=originals[pair.b.measurement_id],
        )
        for pair in found.pairs
    )
    left_out = (
        replace(left, measurement=originals[left.measurement.measurement_id])
        for left in found.left_out
    )
    return replace(found, pairs=tuple(pairs), left_out=tuple(left_out))


def _alike(measurement: Measurement, a: Side, b: Side) -> Measurement:
    """The measurement as if it were of neither side, so that it pairs with the other's."""
    if a.device != b.device:
        measurement = replace(measurement, device="")
    if a.threads != b.threads:
        measurement = replace(measurement, threads=0)
    if a.precision is not b.precision:
        measurement = replace(measurement, precision=Precision.FP32)
    return measurement
