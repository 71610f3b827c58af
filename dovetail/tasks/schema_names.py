"""How alike the names of columns are: words, synonyms, abbreviations, dropped vowels, meaning."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from rapidfuzz.distance import JaroWinkler, Levenshtein
from rapidfuzz.process import cdist

if TYPE_CHECKING:
    from dovetail.encoders.base import Encoder

    Matrix = npt.NDArray[np.float64]

# Words that head the same kind of column in many tables; the first word of a group stands for all of it.
_SYNONYMS = (
    "phone tel telephone mobile cell fon",
    "postcode zip zipcode postal plz pcode",
    "address addr street road anschrift",
    "name title label designation item product",
    "surname lastname last family lname sname",
    "forename firstname first given fname gname",
    "birth dob birthday birthdate born",
    "price cost amount msrp list",
    "maker manufacturer brand vendor producer make mfr",
    "description desc details info notes text abstract summary",
    "city town suburb locality municipality place",
    "sex gender",
    "company organisation organization org firm employer",
    "code number no nr num sku model mpn partno ref reference",
    "date day",
    "year yr",
    "weight mass wt",
    "email mail e-mail",
    "url website web homepage link site",
    "category type group class genre department",
    "author authors writer creator",
    "venue journal booktitle conference publication",
    "country nation land",
    "quantity qty count",
    "size dimension dimensions dims measurements",
    "colour color shade",
)
_CANONICAL = {word: group.split()[0] for group in _SYNONYMS for word in group.split()}
# Names that say no more than that here is a column.
_ANONYMOUS = re.compile(r"(?:attribute|attr|column|col|c|field|f|var|v|x|unnamed|untitled|spalte|feature)?\d*", re.I)
_COMMON = 0.8  # a word in this share of the columns of a table says nothing about one of them
_VOWELS = re.compile(r"[aeiou]")


def split_name(column: str) -> list[str]:
    """The words of a column name as they stand: `http://x.org/ontology/birthYear` gives birth, year."""
    tail = re.split(r"[/#]", column.rstrip("/#"))[-1] if "://" in column else column
    humps = r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[A-Za-z])(?=[0-9])"
    spaced = re.sub(humps, " ", tail)
    return [w.casefold() for w in re.split(r"[^0-9A-Za-z\u00c0-\uffff]+", spaced) if w]


def name_words(column: str) -> list[str]:
    """The words of a column name, known synonyms united."""
    return [_CANONICAL.get(w, w) for w in split_name(column)]


def is_anonymous(column: str) -> bool:
    """Whether a name only numbers the columns, as `Attribute_3` or `c0` do."""
    return _ANONYMOUS.fullmatch(re.sub(r"[^0-9A-Za-z]", "", column)) is not None


def distinctive(columns: Sequence[str]) -> list[list[str]]:
    """The words of each name without those that stand in nearly all names of the table, such as a prefix."""
    words = [split_name(c) for c in columns]
    if len(columns) < 3:
        return words
    often = {w for w, n in Counter(w for one in words for w in set(one)).items() if n >= _COMMON * len(columns)}
    return [[w for w in one if w not in often] or one for one in words]


def name_similarity(left: str, right: str) -> float:
    """How alike two column names are by themselves, in [0, 1]: words, abbreviations and synonyms."""
    a, b = split_name(left), split_name(right)
    return max(_overlap(a, b), 0.9 * abbreviation(a, b))


def compare_names(left: Sequence[str], right: Sequence[str], encoder: Encoder) -> dict[str, Matrix]:
    """Name by name, each matrix (left, right) in [0, 1]; zero where either name is anonymous."""
    a, b = distinctive(left), distinctive(right)
    joined = ["".join(w) for w in a], ["".join(w) for w in b]
    bare = [_VOWELS.sub("", w) for w in joined[0]], [_VOWELS.sub("", w) for w in joined[1]]
    vectors = [encoder.encode([" ".join(w) for w in side]).astype(np.float64) for side in (a, b)]
    equal = np.array([[float(_united(x) == _united(y)) for y in b] for x in a])
    words = np.array([[_overlap(x, y) for y in b] for x in a])
    found = {
        "name words": words,
        "name short": np.maximum(words, np.array([[abbreviation(x, y) for y in b] for x in a])),
        "name bare": _similar(cdist(*bare, scorer=Levenshtein.normalized_similarity)),
        "name letters": _similar(cdist(*joined, scorer=JaroWinkler.similarity)),
        "name meaning": np.clip(vectors[0] @ vectors[1].T, 0.0, 1.0),
    }
    # A synonym shares no letters and is as good.
    found = {sign: np.maximum(matrix, 0.9 * equal) for sign, matrix in found.items()} | {"name equal": equal}
    speaking = ~np.logical_or.outer([is_anonymous(c) for c in left], [is_anonymous(c) for c in right])
    return {sign: matrix * speaking for sign, matrix in found.items()} | {"anonymous": (~speaking).astype(np.float64)}


def _similar(scores: npt.NDArray[np.float32]) -> Matrix:
    """Scores below a half come about by chance."""
    return np.clip(2.0 * scores.astype(np.float64) - 1.0, 0.0, 1.0)


def _united(words: Sequence[str]) -> list[str]:
    return [_CANONICAL.get(w, w) for w in words]


def _overlap(a: Sequence[str], b: Sequence[str]) -> float:
    if not a or not b:
        return 0.0
    best = np.array([[_word_similarity(_CANONICAL.get(x, x), _CANONICAL.get(y, y)) for y in b] for x in a])
    return float((best.max(axis=1).sum() + best.max(axis=0).sum()) / (len(a) + len(b)))


@lru_cache(maxsize=65_536)
def _word_similarity(a: str, b: str) -> float:
    if a == b:
        return 1.0
    short, long = sorted((a, b), key=len)
    if len(short) >= 3 and long.startswith(short):
        return 0.85
    if len(short) >= 2 and short == long[:1] + _VOWELS.sub("", long[1:]):
        return 0.9
    similarity = float(JaroWinkler.similarity(a, b))
    return similarity * 0.8 if similarity > 0.85 else 0.0


def abbreviation(a: Sequence[str], b: Sequence[str]) -> float:
    """How well one name spells the other in short, in [0, 1]: heads of words (`FirNa`) or without vowels (`frstnm`)."""
    short, long = sorted((tuple(a), tuple(b)), key=lambda words: sum(map(len, words)))
    return _spelled("".join(short), long) if short and short != long else float(bool(short))


@lru_cache(maxsize=65_536)
def _spelled(short: str, words: tuple[str, ...]) -> float:
    if not _is_subsequence(short, "".join(words)):
        return 0.0
    reached = {0: 0.0}  # letters of `short` used up → the best sum over the words so far
    for word in words:
        after = dict(reached)
        for start, total in reached.items():
            for length, quality in _heads(word, short[start:]):
                end = start + length
                after[end] = max(after.get(end, 0.0), total + quality)
        reached = after
    return reached.get(len(short), 0.0) / len(words)


def _heads(word: str, rest: str) -> list[tuple[int, float]]:
    """The ways in which the beginning of `rest` abbreviates a word: how many letters, and how much it says."""
    bare = _VOWELS.sub("", word)
    forms = {word, word[:1] + _VOWELS.sub("", word[1:]), bare}
    found = []
    for form in filter(None, forms):
        common = next(
            (i for i, (x, y) in enumerate(zip(form, rest, strict=False)) if x != y), min(len(form), len(rest))
        )
        found += [(length, 0.35 + 0.65 * length / len(form)) for length in range(1, common + 1)]
    return found


def _is_subsequence(short: str, long: str) -> bool:
    letters = iter(long)
    return all(letter in letters for letter in short)
