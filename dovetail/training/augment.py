"""More examples from few: records and texts changed as people and exports change them.

An augmenter of `AUGMENTERS` leaves a record the same thing in the world: a missing value, another order, an
abbreviation, a slip of the finger. One of `HARD_NEGATIVES` makes another thing of it that looks much alike.
`TEXT_AUGMENTERS` change a text without changing its class. Words with a digit in them, which tell a drill of 18 V from
one of 12 V, stay as they are unless `numbers` is asked for. What comes in is never changed; the same generator state
gives the same result.

Sources: Li et al., Deep Entity Matching with Pre-Trained Language Models (Ditto), PVLDB 2020, for records; Wei and
Zou, EDA, EMNLP 2019, for texts; Belinkov and Bisk, ICLR 2018, for typos.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

import numpy as np

from dovetail.errors import UnknownName

Record = Mapping[str, str | None]  # attribute: value, None where it is missing
Random = np.random.Generator

AUGMENTERS = {
    "delete-span": "dovetail.training.augment:delete_span",
    "shuffle-span": "dovetail.training.augment:shuffle_span",
    "drop-attribute": "dovetail.training.augment:drop_attribute",
    "shuffle-attributes": "dovetail.training.augment:shuffle_attributes",
    "abbreviate": "dovetail.training.augment:abbreviate",
    "typo": "dovetail.training.augment:typo",
}

HARD_NEGATIVES = {
    "swap-value": "dovetail.training.augment:swap_value",
    "change-number": "dovetail.training.augment:change_number",
}

TEXT_AUGMENTERS = {
    "delete-words": "dovetail.training.augment:delete_words",
    "swap-words": "dovetail.training.augment:swap_words",
    "typo": "dovetail.training.augment:typo_text",
}

_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_PAIRS = (
    "street st, avenue ave, road rd, boulevard blvd, saint st, mount mt, north n, south s, east e, west w, "
    "incorporated inc, corporation corp, company co, limited ltd, brothers bros, international intl, national natl, "
    "university univ, department dept, institute inst, association assoc, laboratory lab, technology tech, "
    "proceedings proc, conference conf, journal j, transactions trans, symposium symp, edition ed, volume vol, "
    "professional pro, deluxe dlx, black blk, white wht, silver slv, stainless ss, with w/, without w/o, and &"
)
_SHORT = dict(pair.split(" ") for pair in _PAIRS.split(", "))


def load_augmenter(name: str, family: Mapping[str, str] = AUGMENTERS) -> Callable[..., Any]:
    """An augmenter by name, from one of the three families."""
    if name not in family:
        raise UnknownName("augmenter", name, family)
    module, attribute = family[name].split(":")
    found: Callable[..., Any] = getattr(import_module(module), attribute)
    return found


def augmented(record: Record, random: Random, *, names: Sequence[str] = (*AUGMENTERS,), times: int = 1) -> Record:
    """The record after `times` augmenters, each drawn evenly from `names`."""
    for number in random.integers(0, len(names), times).tolist() if names else ():
        record = load_augmenter(names[number])(record, random)
    return record


def augmented_pair(
    left: Record, right: Record, random: Random, *, names: Sequence[str] = (*AUGMENTERS,), times: int = 1
) -> tuple[Record, Record]:
    """A pair with one of its sides changed: its label stays what it was."""
    if random.random() < 0.5:
        return augmented(left, random, names=names, times=times), right
    return left, augmented(right, random, names=names, times=times)


def delete_span(record: Record, random: Random, *, longest: int = 4, numbers: bool = False) -> Record:
    """One value without one to `longest` words in a row; a value never loses all."""
    return _in_one_value(record, random, lambda words: _without_span(words, random, longest, numbers))


def shuffle_span(record: Record, random: Random, *, longest: int = 4) -> Record:
    """One value with two to `longest` of its neighbouring words in another order; none is lost."""
    return _in_one_value(record, random, lambda words: _mixed_span(words, random, longest))


def drop_attribute(record: Record, random: Random) -> Record:
    """The record with one value missing, but never its last. A number may go with it, yet none is made wrong."""
    held = _held(record)
    if len(held) < 2:
        return dict(record)
    return {**record, held[random.integers(len(held))]: None}


def shuffle_attributes(record: Record, random: Random) -> Record:
    """The same attributes in another order, for networks that read a record from left to right."""
    names = list(record)
    return {names[i]: record[names[i]] for i in random.permutation(len(names)).tolist()}


def abbreviate(record: Record, random: Random, *, share: float = 0.3) -> Record:
    """One value with about `share` of its words cut short, at least one: "corporation" to "corp", "John" to "J."."""

    def cut(words: list[str]) -> list[str] | None:
        return _changed(words, random, share, lambda word: _shortened(word, random), numbers=False)

    return _in_one_value(record, random, cut)


def typo(record: Record, random: Random, *, numbers: bool = False) -> Record:
    """One value with a slip in one word: a neighbour on the keyboard, two letters swapped, one lost or doubled."""

    def slip(words: list[str]) -> list[str] | None:
        return _changed(words, random, 0.0, lambda word: _slipped(word, random), numbers=numbers)

    return _in_one_value(record, random, slip)


def swap_value(
    record: Record, random: Random, other: Record, *, attributes: Sequence[str] | None = None
) -> Record | None:
    """The record with one value of another record: something else that looks much alike.

    `attributes` are those that tell things apart; all of them where None. None where the two differ in none.
    """
    names = [n for n in attributes or record if record.get(n) and other.get(n)]
    differing = [n for n in names if str(record[n]).casefold().split() != str(other[n]).casefold().split()]
    if not differing:
        return None
    name = differing[random.integers(len(differing))]
    return {**record, name: other[name]}


def change_number(record: Record, random: Random, other: Record | None = None) -> Record | None:
    """The record with one digit of one number or model number changed. None where it holds no digit."""
    del other  # the seam of the family; a digit needs none
    places = [(n, i) for n in _held(record) for i, c in enumerate(str(record[n])) if "0" <= c <= "9"]
    if not places:
        return None
    name, at = places[random.integers(len(places))]
    value = str(record[name])
    digit = str((int(value[at]) + random.integers(1, 10)) % 10)
    return {**record, name: value[:at] + digit + value[at + 1 :]}


def delete_words(text: str, random: Random, *, share: float = 0.1, numbers: bool = False) -> str:
    """The text without about `share` of its words, but never without all."""
    words = text.split()
    drawn = random.random(len(words)) < share
    kept = [w for w, gone in zip(words, drawn.tolist(), strict=True) if not gone or (_has_digit(w) and not numbers)]
    return " ".join(kept) if kept else text


def swap_words(text: str, random: Random, *, share: float = 0.1) -> str:
    """The text with about `share` of its words swapped with the next one, at least one pair."""
    words = text.split()
    if len(words) < 2:
        return text
    for at in random.integers(0, len(words) - 1, max(1, round(share * len(words)))).tolist():
        words[at], words[at + 1] = words[at + 1], words[at]
    return " ".join(words)


def typo_text(text: str, random: Random, *, share: float = 0.05, numbers: bool = False) -> str:
    """The text with a slip in about `share` of its words, at least one."""
    words = _changed(text.split(), random, share, lambda word: _slipped(word, random), numbers=numbers)
    return text if words is None else " ".join(words)


def _held(record: Record) -> list[str]:
    """The attributes that have a value."""
    return [name for name, value in record.items() if value and value.strip()]


def _has_digit(word: str) -> bool:
    return any(c.isdigit() for c in word)


def _in_one_value(record: Record, random: Random, change: Callable[[list[str]], list[str] | None]) -> Record:
    """The record with the first value changed, in a random order of them, of which `change` makes something."""
    names = _held(record)
    for at in random.permutation(len(names)).tolist():
        words = change(str(record[names[at]]).split())
        if words is not None:
            return {**record, names[at]: " ".join(words)}
    return dict(record)


def _changed(
    words: list[str], random: Random, share: float, change: Callable[[str], str], *, numbers: bool
) -> list[str] | None:
    """The words with about `share` of those that can be changed changed, at least one; None where none can be."""
    able = [i for i, w in enumerate(words) if sum(map(str.isalnum, w)) > 2 and (numbers or not _has_digit(w))]
    if not able:
        return None
    chosen = random.permutation(able)[: max(1, round(share * len(able)))]
    found = list(words)
    for at in chosen.tolist():
        found[at] = change(words[at])
    return found


def _without_span(words: list[str], random: Random, longest: int, numbers: bool) -> list[str] | None:
    able = [i for i, w in enumerate(words) if numbers or not _has_digit(w)]
    if not able or len(words) < 2:
        return None
    start = able[random.integers(len(able))]
    most = min(int(random.integers(1, longest + 1)), len(words) - 1)
    end = start + 1
    while end < min(start + most, len(words)) and (numbers or not _has_digit(words[end])):
        end += 1
    return words[:start] + words[end:]


def _mixed_span(words: list[str], random: Random, longest: int) -> list[str] | None:
    if len(set(words)) < 2:
        return None
    length = min(int(random.integers(2, max(2, longest) + 1)), len(words))
    start = int(random.integers(0, len(words) - length + 1))
    order = start + random.permutation(length)
    return words[:start] + [words[i] for i in order.tolist()] + words[start + length :]


def _shortened(word: str, random: Random) -> str:
    """A known short form, an initial with a dot, or the first three or four letters."""
    known = _SHORT.get(word.casefold().strip(".,;"))
    if known:
        return known.upper() if word.isupper() else known.capitalize() if word[0].isupper() else known
    if random.random() < 0.5 or len(word) <= 4:
        return f"{word[0]}."
    return word[: int(random.integers(3, 5))] + ("." if random.random() < 0.5 else "")


def _slipped(word: str, random: Random) -> str:
    """The word with one slip, not in its first letter, where people rarely make one."""
    at = int(random.integers(1, len(word) - 1))
    kind = int(random.integers(4))
    if kind == 0 and word[at] != word[at + 1]:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    if kind == 1:
        return word[:at] + word[at] + word[at:]
    if kind == 2:
        near = _near(word[at])
        if near:
            return word[:at] + near[random.integers(len(near))] + word[at + 1 :]
    return word[:at] + word[at + 1 :]


def _near(letter: str) -> str:
    """The letters left and right of one on a keyboard, in its case; none for other signs."""
    row = next((r for r in _ROWS if letter.lower() in r), "")
    if not row:
        return ""
    at = row.index(letter.lower())
    near = row[max(0, at - 1) : at] + row[at + 1 : at + 2]
    return near.upper() if letter.isupper() else near
