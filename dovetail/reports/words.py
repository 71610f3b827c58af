"""Numbers and values as they stand in a page: values of data are always escaped here and nowhere else."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from dovetail.explain.pairs import Segment
from dovetail.types import Interval

LONGEST = 320  # characters of a value that a page shows
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def escaped(text: object) -> str:
    """Text that is safe in HTML and in attributes, and can be encoded: broken characters become U+FFFD."""
    return html.escape(_CONTROL.sub("\ufffd", str(text)), quote=True)


def value(text: str | None) -> str:
    """A value of data; isolated, so that text written from right to left does not turn its surroundings."""
    if text is None:
        return '<span class="none">missing</span>'
    if not text.strip():
        return '<span class="none">empty</span>'
    cut = text if len(text) <= LONGEST else text[:LONGEST] + "…"
    return f"<bdi>{escaped(cut)}</bdi>"


def marked(segments: Sequence[Segment]) -> str:
    """A value whose own pieces, which the other side lacks, are marked."""
    parts, room = [], LONGEST
    for segment in segments:
        text = escaped(segment.text[:room])
        parts.append(text if segment.shared or not segment.text.strip() else f"<mark>{text}</mark>")
        room -= len(segment.text)
        if room <= 0:
            parts.append("…")
            break
    return f"<bdi>{''.join(parts)}</bdi>"


def count(number: int) -> str:
    """12,345."""
    return f"{number:,}"


def plural(number: int, one: str, many: str = "") -> str:
    """`1 row`, `12,345 rows`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def share(fraction: float) -> str:
    """A share in percent with one decimal; never rounded to all or nothing."""
    if 0 < fraction < 0.001:
        return "&lt; 0.1\u202f%"
    if 0.999 < fraction < 1:
        return "&gt; 99.9\u202f%"
    return f"{fraction:.{0 if fraction in (0, 1) else 1}%}".replace("%", "\u202f%")


def estimate(interval: Interval) -> str:
    """The share, or a dash where nothing was counted: no match found is not a precision of 0 %."""
    return "–" if interval.unknown else share(interval.value)


def between(interval: Interval) -> str:
    """`91 % to 97 %`, or that nothing was counted."""
    if interval.unknown:
        return "none counted"
    return f"{share(interval.low)} to {share(interval.high)}"


def duration(seconds: float) -> str:
    """`0.3 s`, `42 s`, `3 min 10 s`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{int(seconds // 60)} min {int(seconds % 60)} s"
