"""What cannot be of a repetition, as an agent tells it."""

import math
from collections.abc import Iterator, Sequence

from controller.domain.sweeps import MAX_MINUTES
from controller.fleet.credibility.saying import doubt_of_start
from protos.device import DeviceState
from protos.measuring import OutputCheck, PacedSamples, ProviderUse, Repetition

# SQLite's integers are signed.
MAX_INTEGER = 2**63 - 1
# More than come in a repetition's longest time on a clock, at the most frames a second.
MAX_FRAMES = 20_000
_MOST_WATTS = 1e6
# A day.
MAX_LATENCY_NS = 86_400_000_000_000
MAX_LAYERS = 20_000
# Three names, and the shapes of an operator that splits into many.
MAX_LAYER_WORDS = 200
MAX_LAYER_WORD = 1_000


def doubt_of_repetition(taken: Repetition) -> str:
    """What cannot be; empty for what can."""
    if not taken.latency_ns:
        return "no samples"
    if min(taken.latency_ns) <= 0 or max(taken.latency_ns) > MAX_INTEGER:
        return "a latency that is not above 0"
    counts = taken.samples_per_minute
    if counts and (len(counts) > MAX_MINUTES or sum(counts) != len(taken.latency_ns)):
        return "minutes whose samples are not those of the whole"
    sizes = (taken.load_ns, taken.peak_rss_bytes, taken.baseline_rss_bytes, taken.pss_bytes or 0)
    divided = vars(taken.memory).values() if taken.memory else ()
    if max(taken.warmup_ns, default=0) > MAX_INTEGER or any(
        (size or 0) > MAX_INTEGER for size in (*sizes, *divided)
    ):
        return "a figure that is too large"
    if not all(map(math.isfinite, _measured_floats(taken))):
        return "a temperature, load or power that is no number"
    return (
        _doubt_of_mean(taken)
        or _doubt_of_providers(taken.providers)
        or _doubt_of_pace(taken.paced)
        or _doubt_of_power(taken)
        or _doubt_of_outputs(taken.output_check)
        or doubt_of_start(taken.started_unready)
    )


def _doubt_of_mean(taken: Repetition) -> str:
    averaged = taken.averaged
    if averaged is None:
        return ""
    makes_sense = (
        len(taken.latency_ns) == 1
        and 1 <= averaged.run_count <= MAX_INTEGER
        and 0 < averaged.shortest_ns <= taken.latency_ns[0] <= averaged.longest_ns <= MAX_INTEGER
    )
    return "" if makes_sense else "a mean that is not of its inferences"


def _doubt_of_providers(uses: Sequence[ProviderUse]) -> str:
    makes_sense = len(uses) <= MAX_LAYER_WORDS and all(
        len(use.provider) <= MAX_LAYER_WORD
        and 1 <= use.node_count <= MAX_LAYERS
        and use.total_ns <= MAX_INTEGER
        for use in uses
    )
    return "" if makes_sense else "execution providers that make no sense"


def _doubt_of_pace(paced: PacedSamples | None) -> str:
    if paced is None:
        return ""
    if not 1 <= len(paced.latency_ns) == len(paced.delay_ns) <= MAX_FRAMES:
        return "frames that are not those of inference on a clock"
    told = (*paced.latency_ns, *paced.delay_ns)
    if not all(0 <= each <= MAX_LATENCY_NS for each in told) or 0 in paced.latency_ns:
        return "a latency on a clock that cannot be"
    if sum(told) > MAX_LATENCY_NS:
        return "frames that took longer than a day"
    return ""


def _doubt_of_power(taken: Repetition) -> str:
    readings = (each.watts for state in states_of(taken) for each in state.power)
    makes_sense = all(watts is None or abs(watts) <= _MOST_WATTS for watts in readings)
    return "" if makes_sense else "a power that no device takes"


def _doubt_of_outputs(check: OutputCheck | None) -> str:
    """What cannot be of outputs; that they are wrong can."""
    if check is None:
        return ""
    differences = (check.max_relative_difference, check.l2_relative_difference)
    known = [each for each in differences if each is not None]
    shares = (check.top1_agreement or 0.0, check.nonfinite_share)
    if not all(math.isfinite(each) and each >= 0 for each in known):
        return "a difference of outputs that is no number"
    if not all(0 <= share <= 1 for share in shares):
        return "a share of outputs that is not from 0 to 1"
    says_why = check.is_other_shape or check.nonfinite_share > 0
    if not check.input_count or (len(known) < len(differences) and not says_why):
        return "outputs that were compared and not told of"
    return ""


def _measured_floats(taken: Repetition) -> Iterator[float]:
    for state in states_of(taken):
        yield from _floats(state)


def states_of(taken: Repetition) -> Iterator[DeviceState]:
    """Every state of the device that it tells, in order."""
    return filter(None, (*taken.at_rest, taken.before, *taken.during, taken.after))


def _floats(state: DeviceState) -> Iterator[float]:
    yield from (temperature.celsius for temperature in state.temperatures)
    told = (
        state.load_average,
        state.load_by_others,
        state.waiting_share,
        *(each.watts for each in state.power),
    )
    yield from (figure for figure in told if figure is not None)
