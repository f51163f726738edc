"""How things are spelt, and how one of a few is found by its name."""

from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from fnmatch import fnmatchcase
from typing import Final, TypeVar

from controller.domain.devices import Device
from controller.domain.errors import EdgerankError, ErrorCode
from models.catalog.catalog import Backbone, Catalog, UnknownBackbone
from models.catalog.own import OWN_SERIES
from models.catalog.tiers import Tier, select_tier
from models.names import nearest

_PATTERN: Final = frozenset("*?[")
ChoiceT = TypeVar("ChoiceT", bound=Enum)


def find_choice(choices: Iterable[ChoiceT], kind: str, name: str) -> ChoiceT:
    """The one of exactly this name, of an enum or of some of its members.

    Raises:
        EdgerankError: UNKNOWN_NAME, with all names.
    """
    known = {choice.value: choice for choice in choices}
    if name not in known:
        raise EdgerankError(
            ErrorCode.UNKNOWN_NAME, f"no {kind} is named {name!r}; there are {', '.join(known)}"
        )
    return known[name]


def find_backbone(catalog: Catalog, name: str) -> Backbone:
    """The backbone of exactly this name.

    Raises:
        EdgerankError: UNKNOWN_NAME, with the nearest right names, or where they are listed.
    """
    try:
        return catalog.get(name)
    except UnknownBackbone as error:
        hint = "" if error.nearest else "; 'edgerank models' lists them"
        raise EdgerankError(ErrorCode.UNKNOWN_NAME, f"{error}{hint}") from error


def find_device(devices: Sequence[Device], name: str) -> Device:
    """The device of exactly this name.

    Raises:
        EdgerankError: UNKNOWN_NAME, with the nearest right names.
    """
    for device in devices:
        if device.name == name:
            return device
    known = [device.name for device in devices]
    near = nearest(name, known, likeness=0.4) or known[:3]
    hint = f"nearest: {', '.join(near)}" if near else "the fleet has none"
    raise EdgerankError(ErrorCode.UNKNOWN_NAME, f"no device is named {name!r}; {hint}")


def find_labelled(devices: Sequence[Device], label: str) -> list[Device]:
    """The devices with a label, as soc=rk3588, connected or not.

    Raises:
        EdgerankError: UNKNOWN_NAME when none has it, with the nearest labels.
    """
    labelled = [device for device in devices if label in _labels_of(device)]
    if labelled:
        return labelled
    there_are = sorted({each for device in devices for each in _labels_of(device)})
    near = nearest(label, there_are, likeness=0.4) or tuple(there_are[:3])
    hint = f"nearest: {', '.join(near)}" if near else "no device has any label"
    raise EdgerankError(ErrorCode.UNKNOWN_NAME, f"no device has the label {label!r}; {hint}")


def find_devices(devices: Sequence[Device], words: Sequence[str]) -> tuple[Device, ...]:
    """The devices that names and labels mean, each once, connected or not; all without any.

    Raises:
        EdgerankError: UNKNOWN_NAME for a name or label that none has.
    """
    meant: dict[str, Device] = {}
    for word in words:
        found = find_labelled(devices, word) if "=" in word else [find_device(devices, word)]
        meant |= {each.device_id: each for each in found}
    return tuple(meant.values()) if words else tuple(devices)


def refuse_imported(device: Device) -> None:
    """Refuse a device whose measurements were imported, where a job or an agent needs one of ours.

    Raises:
        EdgerankError: PRECONDITION.
    """
    if device.origin is not None:
        raise EdgerankError(
            ErrorCode.PRECONDITION,
            f"{device.name!r} is a device of the controller {device.origin!r}, whose measurements "
            "were imported: sweep it there, or name a device of this fleet",
        )


def _labels_of(device: Device) -> Iterator[str]:
    return (f"{key}={value}" for key, value in device.labels.items())


def meant_by(word: str, catalog: Catalog) -> Sequence[Backbone]:
    """The backbones that one word means: by name, by pattern, of a series or tier, or own ones.

    In patterns `*`, `?` and `[...]` mean what they do to a shell. The case of a series does not
    count.

    Raises:
        EdgerankError: UNKNOWN_NAME for a word that means nothing, with what would.
    """
    kind, _, rest = word.partition(":") if ":" in word else ("", "", "")
    if kind == "tier":
        return select_tier(catalog, find_choice(Tier, "tier", rest))
    if kind == "series":
        return _of_series(rest, catalog)
    if kind == "own":
        own = [each for each in catalog if each.series == OWN_SERIES]
        return _alike(rest, own, "own model")
    if _PATTERN & set(word):
        return _alike(word, list(catalog), "backbone")
    return [find_backbone(catalog, word)]


def check_series(catalog: Catalog, names: Iterable[str]) -> None:
    """Refuse a series that nothing can be of, in whatever case it is written.

    Raises:
        EdgerankError: UNKNOWN_NAME, with the nearest right names.
    """
    for name in names:
        if name.casefold() not in {OWN_SERIES, *(each.series.casefold() for each in catalog)}:
            raise _unknown_series(name, catalog)


def _of_series(series: str, catalog: Catalog) -> list[Backbone]:
    wanted = series.casefold()
    found = [each for each in catalog if fnmatchcase(each.series.casefold(), wanted)]
    if not found:
        raise _unknown_series(series, catalog)
    return found


def _unknown_series(series: str, catalog: Catalog) -> EdgerankError:
    there_are = dict.fromkeys(each.series for each in catalog)
    near = nearest(series, there_are, likeness=0.4) or tuple(there_are)[:3]
    return EdgerankError(
        ErrorCode.UNKNOWN_NAME, f"no series is named {series!r}; nearest: {', '.join(near)}"
    )


def _alike(pattern: str, among: Sequence[Backbone], kind: str) -> list[Backbone]:
    found = [each for each in among if fnmatchcase(each.name, pattern)]
    if not found:
        names = [each.name for each in among]
        near = nearest(pattern.strip("*?"), names, likeness=0.4) or tuple(names[:3])
        hint = f"nearest: {', '.join(near)}" if near else "there is none"
        raise EdgerankError(
            ErrorCode.UNKNOWN_NAME, f"no {kind} has a name like {pattern!r}; {hint}"
        )
    return found
