"""Published figures beside measured ones, in words."""

from collections import Counter
from collections.abc import Iterator, Sequence

from controller.domain.quantities import format_number
from controller.domain.rankings.reference import (
    Agreement,
    DeviceReference,
    Reference,
    ReferencePair,
)
from controller.views.counting import counted
from controller.views.report.parts import Heading, Part, Table
from controller.views.wording import median_words
from models.catalog.published import PublishedLatency


def reference_parts(reference: Reference) -> Iterator[Part]:
    """Give the report's parts: what was found, then each device."""
    yield Part(
        heading="Published latency beside measured",
        sentences=(
            "A published figure is one number of another specimen, without an interval. It is "
            "judged only where runtime, processor, precision and threads are those of the "
            "measurement: it disagrees when it is outside of the measured interval and the two "
            f"differ by more than a factor of {reference.factor:g}. Rankings never count it.",
            *_without(reference),
        ),
    )
    for device in reference.devices:
        yield _device_part(device)


def _without(reference: Reference) -> Iterator[str]:
    if reference.without_reference:
        yield (
            "Nothing is published of the chip, as far as the profile names it, of "
            f"{', '.join(reference.without_reference)}; --as says which published device it is: "
            f"{', '.join(reference.published_devices)}."
        )


def _device_part(device: DeviceReference) -> Part:
    measured = [pair for pair in device.pairs if pair.agreement is not Agreement.NOT_MEASURED]
    counts = Counter(pair.agreement for pair in device.pairs)
    told = ", ".join(_counted(counts[each], each) for each in Agreement if counts[each])
    return Part(
        heading=f"{device.device}, beside {', '.join(device.published_devices)}",
        sentences=(f"{counted(len(device.pairs), 'published figure')}: {told or 'none'}.",),
        table=_table(measured) if measured else None,
    )


def _counted(count: int, agreement: Agreement) -> str:
    """As in 1 agrees, 8 disagree, 33 of another setting."""
    if agreement is Agreement.OTHER_SETTING:
        return f"{count} of another setting"
    words = agreement.value
    return f"{count} {words}" if count == 1 else f"{count} {words.removesuffix('s')}"


def _table(pairs: Sequence[ReferencePair]) -> Table:
    headings = (
        Heading("backbone"),
        Heading("published, ms", is_right=True),
        Heading("measured, ms", is_right=True),
        Heading("ratio", is_right=True),
        Heading("what becomes of it"),
    )
    return Table(headings, tuple(map(_row, pairs)))


def _row(pair: ReferencePair) -> tuple[str, ...]:
    setting = "" if pair.runtime is None else f" ({pair.runtime.value}, {pair.threads})"
    measured = (
        "" if pair.median_ms is None else median_words(pair.median_ms, pair.low_ms, pair.high_ms)
    )
    return (
        pair.published.backbone,
        f"{format_number(pair.published.latency_ms)} ({published_setting(pair.published)})",
        f"{measured}{setting}",
        "" if pair.ratio is None else format_number(pair.ratio),
        _judged(pair),
    )


def _judged(pair: ReferencePair) -> str:
    differences = ", ".join(each.value for each in pair.differences)
    return f"{pair.agreement.value}: {differences}" if differences else pair.agreement.value


def published_setting(published: PublishedLatency) -> str:
    """Say what a figure was published for: Paddle Lite, cpu, fp32, 1 thread."""
    threads = () if published.threads is None else (counted(published.threads, "thread"),)
    told = (published.runtime, published.processor, published.precision, *threads)
    return ", ".join(filter(None, told)) or "setting not said"
