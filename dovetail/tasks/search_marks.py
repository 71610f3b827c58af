"""Which words of a text answer a query, and the part of the text that shows most of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from dovetail.tasks.search_words import Analyser, spans_of

Marks = list[tuple[int, int]]


def marked(text: str, terms: Iterable[str], analyser: Analyser) -> Marks:
    """Start and end (in characters) of each word of a text that is one of some terms, rising, without overlaps."""
    wanted, found = {*terms}, Marks()
    for start, end, word in spans_of(text):
        if analyser.stem(word) not in wanted:
            continue
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def snippet(text: str, marks: Sequence[tuple[int, int]], width: int = 200) -> tuple[int, int]:
    """Start and end of the part of a text, of about `width` characters, with most marks; its beginning if none."""
    if len(text) <= width or not marks:
        return 0, _ending(text, min(len(text), width))
    best = max(marks, key=lambda mark: _shown_from(text, marks, mark[0], mark[0] + width * 3 // 4))
    start = max(0, min(best[0] - width // 4, len(text) - width))
    blank = text.find(" ", start, best[0]) if start else -1
    return (blank + 1 if blank >= 0 else start), _ending(text, min(len(text), start + width))


def shown(text: str, marks: Sequence[tuple[int, int]], width: int = 200, around: tuple[str, str] = ("", "")) -> str:
    """That part on one line, each mark between two signs."""
    start, end = snippet(text, marks, width)
    inside = [(max(a, start), min(b, end)) for a, b in marks if a < end and b > start]
    cuts = [start, *(place for mark in inside for place in mark), end]
    parts = [text[a:b] for a, b in pairwise(cuts)]
    said = "".join(f"{around[0]}{part}{around[1]}" if at % 2 else part for at, part in enumerate(parts))
    flat = " ".join(said.split())
    return f"{'…' if start else ''}{flat}{'…' if end < len(text) else ''}"


def _shown_from(text: str, marks: Sequence[tuple[int, int]], start: int, end: int) -> tuple[int, int]:
    """How many different words, and how many in all, are marked in a part of a text."""
    inside = [text[a:b].casefold() for a, b in marks if start <= a < end]
    return len({*inside}), len(inside)


def _ending(text: str, end: int) -> int:
    """The end of the last whole word before a place, where there is one near."""
    blank = text.rfind(" ", max(0, end - 20), end) if end < len(text) else -1
    return blank if blank > 0 else end
