"""How things are counted in words."""


def counted(count: int, word: str, plural: str = "") -> str:
    """Count things: 1 thread, 2 threads, 2 entries; `plural` where it is not the word with an s."""
    return f"{count:,} {word if count == 1 else plural or f'{word}s'}"
