"""What is useful of what a tool says: without the places and signatures of its own code."""

from __future__ import annotations

import re

MOST_LETTERS = 300

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
# What stands before a message: ONNX Runtime's status, its log's time and place, Paddle Lite's.
_HEADS = re.compile(
    r"\[ONNXRuntimeError\] : \d+ : \w+ : "
    r"|^\d{4}-\d\d-\d\d [\d:.]+ \[\w:[^\]]*\] "
    r"|^\[[A-Z] +\d+/ *\d+ [\d:.]+ [^\]]*\] *"
    r"|^(?:\w+ )?Load model from \S+ failed:\s*"
)
# A place in a tool's own sources, which ONNX Runtime follows by the function's signature.
_PLACE = re.compile(r"(?:[\w.-]*/)+[\w.-]+\.(?:cc|cpp|cu|h|hpp):\d+ ")
_SIGNATURE_NAME = re.compile(r"[^().:]*(?:::[^().:]*)+\(")
# How ONNX Runtime says which node it was at.
_NODE = re.compile(
    r"Non-zero status code returned while running (\w+) node\. "
    r"Name: ?'([^']*)' Status Message: "
)
# How Paddle says where it was, and in which operator.
_TAILS = re.compile(r"\s*\(at \S+:\d+\)|\s*\[operator < \w+ > error\]")


def gist(said: str) -> str:
    """Return the useful part of a tool's message, in one line of at most about 300 letters."""
    said = _HEADS.sub("", _COLOURS.sub("", said).strip())
    said = _NODE.sub(_node_words, said)
    said = _without_places(_TAILS.sub("", said))
    # Names in a stranger's file may have anything.
    said = "".join(each if each.isprintable() else " " for each in said)
    said = " ".join(said.split()).rstrip(".")
    if len(said) <= MOST_LETTERS:
        return said
    return f"{said[:MOST_LETTERS].rpartition(' ')[0] or said[:MOST_LETTERS]} ..."


def _node_words(found: re.Match[str]) -> str:
    operator, name = found.groups()
    return f"{operator} {name}: " if name else f"{operator}: "


def _without_places(said: str) -> str:
    while place := _PLACE.search(said):
        end = place.end()
        signature = _SIGNATURE_NAME.match(said, end)
        if signature is not None:
            end = _closing(said, signature.end())
        said = said[: place.start()] + said[end:].lstrip()
    return said


def _closing(said: str, start: int) -> int:
    """Return where the parenthesis that was opened before `start` and its qualifiers have ended."""
    depth, place = 1, start
    while depth and place < len(said):
        depth += {"(": 1, ")": -1}.get(said[place], 0)
        place += 1
        # operator()(int), and a lambda inside of a function.
        if not depth and said.startswith(("(", "::"), place):
            following = said.find("(", place)
            if following >= 0:
                depth, place = 1, following + 1
    for qualifier in (">", " const "):
        place += len(qualifier) if said.startswith(qualifier, place) else 0
    return place
