"""Reasons of many things, each told once."""

from collections.abc import Iterable, Sequence
from typing import Final

from controller.views.counting import counted
from controller.views.reasons import clauses, sentence, sentences
from protos.reasons import Reason

# By what reasons of the same kind differ: of a backbone, with what it needs, or of a device alone.
_OF_BACKBONE: Final = ("backbone", "operators")
_OF_DEVICE: Final = ("device",)


def folded_reasons(told: Iterable[tuple[str, Sequence[Reason]]], word: str) -> list[str]:
    """Tell what holds for several things once, with how many they are, the commonest first.

    Reasons of the same codes and words are one, also where their figures differ: then those of the
    first thing stand for all, by its name.

    Args:
        told: the name of each thing, and its reasons.
        word: what the things are, in the singular: job.
    """
    groups: dict[object, list[tuple[str, str]]] = {}
    for name, reasons in told:
        for clause in clauses(reasons):
            alike = tuple((each.code, tuple(sorted(each.words.items()))) for each in clause)
            groups.setdefault(alike, []).append((name, sentences(clause)))
    by_count = sorted(groups.values(), key=len, reverse=True)
    return [_line(group, word) for group in by_count]


def left_out_lines(reasons: Iterable[Reason]) -> list[str]:
    """Tell what is left out and why, what holds for several once, with all their names.

    Args:
        reasons: each with the name of its backbone, or of its device alone.
    """
    groups: dict[object, list[Reason]] = {}
    for each in reasons:
        own = _own_words(each)
        others = {key: word for key, word in each.words.items() if key not in own}
        alike = each.code, tuple(each.figures.items()), tuple(others.items())
        groups.setdefault(alike, []).append(each)
    return [_left_out(group) for group in groups.values()]


def _own_words(told: Reason) -> tuple[str, ...]:
    return _OF_BACKBONE if _OF_BACKBONE[0] in told.words else _OF_DEVICE


def _left_out(group: Sequence[Reason]) -> str:
    first, *others = group
    key = _own_words(first)[0]
    names = [each.words[key] for each in others if key in each.words]
    likewise = f"; so it is with {', '.join(names)}" if names else ""
    return f"left out: {sentence(first)}{likewise}"


def _line(group: Sequence[tuple[str, str]], word: str) -> str:
    name, first = group[0]
    if len(group) == 1:
        return f"{name}: {first}"
    is_same = all(text == first for _, text in group)
    return f"{counted(len(group), word)}{'' if is_same else f', as {name}'}: {first}"
