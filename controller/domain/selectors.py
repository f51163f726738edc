"""Which measurements a side of a comparison means: a small grammar, and whom it selects.

A selector is one or more terms, joined by commas; a measurement is selected when every term holds.

    SWEEP                       of the sweep with this id, beginning of an id, or name
    backbone:NAME               of this backbone; NAME alone, where there is one of that name
    runtime:NAME                measured with this runtime
    version:RUNTIME=VERSION     measured with exactly this version of this runtime
    build:RUNTIME=PART          measured with a build of this runtime that calls itself ...PART...
    after:DATE                  measured at DATE or later
    before:DATE                 measured earlier than DATE

DATE is ISO 8601, UTC unless it says otherwise, and a day means its first moment: 2026-11-24,
2026-11-24T18:30 or 2026-11-24T18:30+01:00. It is held against the clock of the device.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Final

from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.measurements import Measurement
from protos.runtimes import Runtime

_FORMS: Final = (
    "a sweep's id or name, runtime:NAME, version:RUNTIME=VERSION, build:RUNTIME=PART, "
    "before:DATE or after:DATE, or a backbone's name, several joined by commas"
)


class SelectorInvalid(EdgerankError):
    """A text is no selector; the message shows how to write one."""

    def __init__(self, message: str) -> None:
        super().__init__(ErrorCode.INVALID_INPUT, message)


@dataclass(frozen=True, kw_only=True)
class Selector:
    """What a measurement must satisfy; None is no restriction. `text` is what a person wrote."""

    text: str
    sweep_id: str | None = None
    runtime: Runtime | None = None
    runtime_version: str | None = None
    runtime_build: str | None = None
    after_unix_ms: int | None = None
    before_unix_ms: int | None = None
    backbone: str | None = None

    @property
    def takes_newest(self) -> bool:
        """Say whether of the same thing the newest is selected wherever an older one is."""
        terms = (self.sweep_id, self.runtime_version, self.runtime_build)
        return all(each is None for each in (*terms, self.after_unix_ms, self.before_unix_ms))

    def selects(self, measurement: Measurement) -> bool:
        """Say whether every term holds."""
        measured_at = measurement.measured_at_unix_ms
        return (
            self.sweep_id in (None, measurement.sweep_id)
            and self.backbone in (None, measurement.backbone)
            and self.runtime in (None, measurement.runtime)
            and self.runtime_version in (None, measurement.runtime_version)
            and (self.runtime_build is None or self.runtime_build in measurement.runtime_build)
            and (self.after_unix_ms is None or measured_at >= self.after_unix_ms)
            and (self.before_unix_ms is None or measured_at < self.before_unix_ms)
        )


def parse_selector(text: str) -> Selector:
    """Read a selector such as 3f2a9c01b7de or version:onnxruntime=1.23.2,after:2026-11-24.

    Raises:
        SelectorInvalid: a term is none of the grammar's, or says again what another one said.
    """
    terms: dict[str, Any] = {}
    for term in (part.strip() for part in text.split(",")):
        for field, wanted in _term(term).items():
            if field in terms:
                raise SelectorInvalid(
                    f"{text!r} says its {field.removesuffix('_unix_ms').replace('_id', '')} twice; "
                    "every term has to hold, so say it once"
                )
            terms[field] = wanted
    return Selector(text=text, **terms)


def _term(term: str) -> Mapping[str, object]:
    kind, colon, rest = term.partition(":")
    if term and not colon:
        return {"sweep_id": term}
    if kind not in _KINDS or not rest:
        raise SelectorInvalid(f"{term!r} selects no measurements; write {_FORMS}")
    return _KINDS[kind](rest)


def _runtime(name: str) -> Mapping[str, object]:
    try:
        return {"runtime": Runtime(name)}
    except ValueError as error:
        known = " or ".join(runtime.value for runtime in Runtime)
        raise SelectorInvalid(f"no runtime is named {name!r}; write {known}") from error


def _version(text: str) -> Mapping[str, object]:
    name, _, version = text.partition("=")
    if not version:
        raise SelectorInvalid(
            f"'version:{text}' names no version; write version:RUNTIME=VERSION, "
            "as version:onnxruntime=1.23.2"
        )
    return {**_runtime(name), "runtime_version": version}


def _build(text: str) -> Mapping[str, object]:
    name, _, part = text.partition("=")
    if not part:
        raise SelectorInvalid(
            f"'build:{text}' names no build; write build:RUNTIME=PART, as "
            "build:onnxruntime=a83fc4d58c; 'edgerank devices show NAME' tells the builds"
        )
    return {**_runtime(name), "runtime_build": part}


def _date_unix_ms(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise SelectorInvalid(
            f"{text!r} is no date; write 2026-11-24 or 2026-11-24T18:30, in UTC"
        ) from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return round(moment.timestamp() * 1000)


_KINDS: Final[Mapping[str, Callable[[str], Mapping[str, object]]]] = {
    "runtime": _runtime,
    "backbone": lambda name: {"backbone": name},
    "version": _version,
    "build": _build,
    "after": lambda text: {"after_unix_ms": _date_unix_ms(text)},
    "before": lambda text: {"before_unix_ms": _date_unix_ms(text)},
}
