r"""Patterns (of RE2) and words as they are looked for in texts: checked, bounded, found, and marked.

RE2 reads every text once, whatever the pattern: there is none that goes back and forth for ever. What it costs is that
it knows no look-around and no back-references. How long one reading takes still grows with the pattern once its
repetitions are written out, so that is bounded; of a text, the first 100,000 characters are read.
"""

from __future__ import annotations

import re
import time
import unicodedata
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dovetail.errors import InputError

if TYPE_CHECKING:
    import numpy.typing as npt

    Bools = npt.NDArray[np.bool_]

MOST_SIGNS = 1_000  # of a pattern whose repetitions are written out: `(ab?){0,9}` has 18
MOST_READ = 100_000  # characters of a text
_PART = 0.25  # seconds that one look at the clock may be away from the next
_FIRST_PART = 20_000  # bytes that are read before the first look
_AROUND = 1_000  # characters after the first place in which more are marked
_FROM, _TO = "\ue000", "\ue001"  # signs for private use, which no text holds but by accident
_NO_SIGNS = {0xE000: None, 0xE001: None}
_SIGN = re.compile(r"[!-/:-@\[-`{-~]")  # what may mean something in a pattern
_UNKNOWN = re.compile(r"\(\?[=!<]|\\[1-9]")  # what Python's patterns know and RE2's do not
_TOKEN = re.compile(
    r"""(?P<quoted>\\Q(?P<plain>.*?)(?:\\E|$))
    | (?P<one>\\[pPx]\{[^}]*\} | \\[pP]. | \\. | \[\^?\]?(?:\\.|\[:\w+:\]|[^\]\\])*\])
    | (?P<open>\((?:\?(?:P?<\w+>|[a-zA-Z-]*:|[a-zA-Z-]*(?=\))))?)
    | (?P<close>\))
    | \{(?P<least>\d+)(?P<more>,(?P<most>\d*))?\}
    | (?P<none>[*+?|^$])
    | (?P<any>.)""",
    re.VERBOSE | re.DOTALL,
)


def check_pattern(pattern: str, name: str) -> None:
    """Raise an `InputError` that says what is wrong with the pattern of the heuristic `name`."""
    said = f"the pattern {pattern!r} of heuristic {name}"
    if not pattern.strip():
        raise InputError(f"heuristic {name} has no pattern; give one")
    if re.search(r"[^\x00-\x7f]\\b|\\b[^\x00-\x7f]", pattern):
        raise InputError(
            f"{said} has \\b beside a letter that it does not know as one; give a list of words instead, which knows "
            f"whole words of all alphabets"
        )
    if any(found["one"] == r"\C" for found in _TOKEN.finditer(pattern)):
        raise InputError(f"{said} has \\C, a byte; a dot stands for any character")
    if (signs := size_of(pattern)) > MOST_SIGNS:
        raise InputError(
            f"{said} is too large: {signs:,} signs once its repetitions are written out, and {MOST_SIGNS:,} are the "
            f"most; repeat less, or leave the end open, as in {{3,}}"
        )
    try:
        for form in (pattern, f"(?i:{pattern})"):
            empty = pc.match_substring_regex(pa.array([""]), form, ignore_case=True)[0].as_py()
    except pa.ArrowInvalid as error:
        raise InputError(f"{said} is not understood: {_why(error)}{_hint(pattern)}") from None
    if empty:
        raise InputError(f"{said} is found in an empty text, so in all; say more")


def size_of(pattern: str) -> int:
    """How many signs a pattern has once its repetitions are written out: `(ab?){0,9}` has 18."""
    levels, last = [0], 0  # what is inside each open bracket so far, and what a repetition repeats
    for found in _TOKEN.finditer(pattern):
        if found["open"]:
            levels.append(0)
            continue
        if found["close"]:
            last = levels.pop() if len(levels) > 1 else 0
        elif found["least"]:
            times = max(int(found["least"]), int(found["most"] or 0), 1)
            levels[-1] += last * (times - 1)
            last *= times
            continue
        elif found["none"]:
            continue
        else:
            last = 1
            levels[-1] += len(found["plain"]) - 1 if found["quoted"] else 0  # a repetition is of the last letter
        levels[-1] += last
    return sum(levels)


def find(texts: Sequence[str] | pa.Array, pattern: str, name: str, seconds: float) -> Bools:
    """In which texts a pattern occurs (n,), a part at a time; the parts are as large as a quarter of a second allows.

    An `InputError` says how far it came in `seconds`.
    """
    array = _cut(texts if isinstance(texts, pa.Array) else pa.array(list(texts), pa.string()))
    ends = np.cumsum(pc.fill_null(pc.binary_length(array), 0).to_numpy(zero_copy_only=False), dtype=np.int64)
    stop, at, much, parts = time.monotonic() + seconds, 0, _FIRST_PART, []
    while at < len(array):
        begun = time.monotonic()
        if begun > stop:
            raise InputError(
                f"the pattern of heuristic {name} takes too long: {at:,} of {len(array):,} rows in "
                f"{seconds:g} seconds; make it simpler"
            )
        read = int(ends[at - 1]) if at else 0
        last = min(max(int(np.searchsorted(ends, read + much, "right")), at + 1), at + 100_000)
        parts.append(_part(array.slice(at, last - at), pattern, name))
        at = last
        much = int(max(1, much * min(4.0, _PART / max(time.monotonic() - begun, 1e-6))))
    return np.concatenate(parts) if parts else np.zeros(0, bool)


def first_place(text: str, pattern: str) -> int | None:
    """The first character of the first place where a pattern occurs; None where it does not, or where finding it takes
    too long for a text that is only to be shown."""
    begun = time.monotonic()
    at = pc.find_substring_regex(pa.array([text[:MOST_READ]]), pattern, ignore_case=True)[0].as_py()
    if at < 0 or time.monotonic() - begun > _PART:
        return None
    return len(text.encode("utf-8")[:at].decode("utf-8"))


def marks_of(text: str, pattern: str) -> list[tuple[int, int]]:
    """From where to where a checked pattern occurs, in characters, one after the other: the first place, and those in
    the thousand characters behind it."""
    plain = text.translate(_NO_SIGNS)
    first = first_place(plain, f"(?i:{pattern})") if len(plain) == len(text) and text else None
    if first is None:
        return []
    end = first + _AROUND
    marked = pc.replace_substring_regex(pa.array([plain[:end]]), f"(?i:{pattern})", f"{_FROM}\\0{_TO}")[0].as_py()
    whole = [(a, b) for a, b in _spans(marked) if end >= len(plain) or b < end]  # what is cut off may be another
    return whole or [(first, min(end, len(plain)))]


def any_of(words: Sequence[str]) -> str:
    """Words and phrases as a pattern that Python and RE2 read alike, the longest first."""
    longest_first = sorted((w.strip() for w in words if w.strip()), key=len, reverse=True)
    return "|".join(_SIGN.sub(r"\\\g<0>", " ".join(word.split())) for word in longest_first)


def as_whole(listed: str) -> str:
    r"""The pattern that finds what `any_of` gave where it stands as a whole word.

    Signs that stand on or beside a letter (\pM) belong to the word, as in Hindi, or in é written as two.
    """
    return rf"(?:^|[^\pL\pN\pM_])(?:{listed})(?:$|[^\pL\pN\pM_])"


def whole_marks(text: str, listed: str) -> list[tuple[int, int]]:
    """From where to where words stand as a whole, in characters: the first, and those in the thousand behind it."""
    first = first_place(text, as_whole(listed))
    if first is None:
        return []
    beside = "".join(sorted({c for c in text if unicodedata.category(c).startswith("M")}))  # Python has no \pM
    border = rf"[\w{beside}]"
    whole = re.compile(rf"(?<!{border})(?:{listed})(?!{border})", re.IGNORECASE)
    return [m.span() for m in whole.finditer(text, first, first + _AROUND)]


def _part(texts: pa.Array, pattern: str, name: str) -> Bools:
    try:
        found = pc.match_substring_regex(texts, pattern, ignore_case=True)
    except pa.ArrowInvalid as error:
        raise InputError(f"heuristic {name} cannot be looked for: {_why(error)}; make it smaller") from None
    whole: Bools = pc.fill_null(found, False).to_numpy(zero_copy_only=False).astype(bool)
    return whole


def _cut(texts: pa.Array) -> pa.Array:
    """The same texts, none of them longer than is read."""
    longest = pc.max(pc.binary_length(texts)).as_py() or 0
    return texts if longest <= MOST_READ else pc.utf8_slice_codeunits(texts, 0, MOST_READ)


def _why(error: pa.ArrowInvalid) -> str:
    return str(error).removeprefix("Invalid regular expression: ")


def _hint(pattern: str) -> str:
    if _UNKNOWN.search(pattern):
        return "; patterns know no look-around and no back-references"
    return r"; close \Q with \E" if r"\Q" in pattern else ""


def _spans(marked: str) -> Iterator[tuple[int, int]]:
    """The places between the signs, counted without the signs; empty ones are left out."""
    at, begun = 0, 0
    for sign in re.split(f"([{_FROM}{_TO}])", marked):
        if sign == _FROM:
            begun = at
        elif sign == _TO:
            if at > begun:
                yield begun, at
        else:
            at += len(sign)
