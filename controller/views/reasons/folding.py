"""Reasons of many things, each told once."""

from collections.abc import Iterable, Sequence

from controller.views.counting import counted
from controller.views.reasons import clauses, sentences
from protos.reasons import Reason


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


def _line(group: Sequence[tuple[str, str]], word: str) -> str:
    name, first = group[0]
    if len(group) == 1:
        return f"{name}: {first}"
    is_same = all(text == first for _, text in group)
    return f"{counted(len(group), word)}{'' if is_same else f', as {name}'}: {first}"
