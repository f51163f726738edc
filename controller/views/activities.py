"""What goes on now, for those who watch."""

from collections.abc import Hashable, Iterable

from controller.domain.sweeps import Activity, ActivityKind
from controller.views.reasons import sentence


def activities_words(activities: Iterable[Activity]) -> str:
    """Say what goes on, device by device; empty when nothing does."""
    return "; ".join(map(activity_words, activities))


def worker(activity: Activity) -> Hashable:
    """Return who does it: a device, or the conversion of a backbone."""
    return activity.device, "" if activity.device else activity.backbone


def work(activity: Activity) -> Hashable:
    """Return what is done: alike as long as only its figures change, as those of a download."""
    return (
        activity.kind,
        activity.backbone,
        activity.step,
        activity.runtime,
        activity.ordinal,
        activity.is_profile,
        activity.waiting_for and activity.waiting_for.code,
    )


def activity_words(activity: Activity) -> str:
    """Say what goes on: pc: measuring PPLCNet_x1_0 with onnxruntime, repetition 2."""
    match activity.kind:
        case ActivityKind.FETCHING_WEIGHTS:
            of_total = f" of {activity.total_bytes / 1e6:.0f}" if activity.total_bytes else ""
            done = f"{activity.done_bytes / 1e6:.0f}{of_total} MB"
            return f"{activity.backbone}: {_again(activity)}fetching weights, {done}"
        case ActivityKind.CONVERTING:
            return f"{activity.backbone}: {_again(activity)}{activity.step}"
        case _:
            return f"{activity.device}: {_on_device(activity)}"


def _again(activity: Activity) -> str:
    return "its stored file is damaged and made again: " if activity.is_again else ""


def _on_device(activity: Activity) -> str:
    runtime = "" if activity.runtime is None else f" with {activity.runtime.value}"
    what = f"{activity.backbone}{runtime}"
    work = "profile" if activity.is_profile else "measure"
    match activity.kind:
        case ActivityKind.FETCHING_ARTIFACT:
            return f"fetching {what}"
        case ActivityKind.WAITING:
            why = "" if activity.waiting_for is None else f": {sentence(activity.waiting_for)}"
            most = f", for {activity.waits_at_most_ms / 1e3:.3g} s at most"
            limit = most if activity.waits_at_most_ms else ""
            return f"waiting to {work} {what}{limit}{why}"
        case ActivityKind.MEASURING if activity.is_profile:
            return f"profiling {what}"
        case ActivityKind.MEASURING:
            return f"measuring {what}, repetition {activity.ordinal + 1}"
        case _:
            return f"about to {work} {what}"
