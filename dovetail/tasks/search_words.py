"""From text to the terms of the keyword index: words in any script, stemmed by language, and the nearest known ones."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property, lru_cache
from typing import Any

from dovetail.errors import InputError, UnknownName
from dovetail.tables.read import read

# The commonest function words tell languages apart; they are also what a query can do without.
_COMMON = {
    "english": "the of and to in a is that for it as was with be by on not he his but at are this have from or had an "
    "they which you were her she there been their we him has when who will more no if out so what about up into than "
    "its other some could them can only then do any like my now over such our how did does these would may your most",
    "german": "der die und in den von zu das mit sich des auf für ist im dem nicht ein eine als auch es an werden aus "
    "er hat dass sie nach wird bei einer um am sind noch wie einem über einen so zum war haben nur oder aber vor zur",
    "french": "de la le et les des en un du une que est pour qui dans a par plus pas au sur ne se ce il sont avec son "
    "aux d l qu s c n ou leur cette ces ses mais comme nous elle été deux être fait sa on",
    "spanish": "de la que el en y a los del se las por un para con no una su al lo como más pero sus le ya o este sí "
    "porque esta entre cuando muy sin sobre también me hasta hay donde quien desde todo nos durante",
    "italian": "di e il la che in un a per è una del non sono le della con si da i dei al come ha gli più anche delle "
    "nel alla ma lo dal su o se questo nella loro cui tra",
    "portuguese": "de a o que e do da em um para com não uma os no se na por mais as dos como mas ao ele das à seu sua "
    "ou quando muito nos já está eu também só pelo pela até isso",
    "dutch": "de van het een en in is dat op te zijn met voor niet aan er om ook als dan maar bij of uit nog naar door "
    "over ze zich hij heeft deze wordt werd kan",
    "swedish": "och i att det som en på är av för med till den har de inte om ett han men var sig från vi så kan när "
    "jag nu under också efter eller",
    "danish": "og i at det er en til på som for med de af den har der ikke et han var fra men vi ved blev kan sig om",
    "norwegian": "og i det er på til som en å for av at med de har den ikke et han var fra men om seg ved ble kan",
    "finnish": "ja on ei että se oli hän joka mutta ovat kun niin myös kuin tai ole hänen sen olla voi vain",
    "hungarian": "a az és hogy nem is egy ez volt meg csak mint de már el vagy azt még ki van",
    "turkish": "ve bir bu da de için ile olarak çok daha olan en gibi ne kadar sonra ise o ya",
    "romanian": "de și în a la cu pe nu o un din că este care sau mai pentru au fost",
    "russian": "и в не на что я с он а как это по но к у из за от то же все так его для до бы о при",
    "arabic": "في من على إلى أن عن هذا التي الذي مع كان هذه ما لا قد بعد أو كما هو",
    "hindi": "के में है की से को का और एक पर यह ने था हैं लिए भी कि जो इस",
    "greek": "και το της την του να η ο των με που για από σε τα στην είναι οι στο δεν",
}
LANGUAGES = (*sorted(_COMMON), "none")
_UNBROKEN = re.compile(r"[぀-ヿ㐀-鿿豈-﫿฀-๿]+")  # scripts that put no blanks between words
_PICTURES = re.compile("[\u2600-\u27bf\U0001f300-\U0001faff]")  # emojis are words of their own
_JOINED = re.compile(r"[^\s]*\d[^\s]*")
_MOST_LETTERS = 64


@lru_cache(maxsize=1)
def _word() -> re.Pattern[str]:
    """Letters, digits and the marks that belong to them: without marks the words of Indic scripts would fall apart."""
    marks = "".join(chr(c) for c in range(0x300, 0x3100) if unicodedata.category(chr(c)) in ("Mn", "Mc"))
    return re.compile(f"(?:[^\\W_]|[{re.escape(marks)}])+")


class Analyser:
    """Turns text into terms in one language; the same terms for documents and queries."""

    def __init__(self, language: str = "english") -> None:
        if language not in LANGUAGES:
            raise UnknownName("language", language, LANGUAGES)
        self.language = language
        self._stems: dict[str, str] = {}

    @cached_property
    def stop(self) -> frozenset[str]:
        """Words that are not indexed."""
        return frozenset(_COMMON.get(self.language, "").split())

    @cached_property
    def _stemmer(self) -> Any:
        from snowballstemmer import stemmer

        return stemmer(self.language)

    def terms(self, text: str) -> list[str]:
        """The terms of a text in its order, with repetitions, without function words."""
        return [self.stem(word) for word in words(text) if word not in self.stop]

    def query(self, text: str) -> list[tuple[str, str]]:
        """The distinct terms of a query, each with the word that it comes from; function words only if all are."""
        found = words(text)
        kept = [w for w in found if w not in self.stop] or found
        pairs: dict[str, str] = {}
        for word in kept:
            pairs.setdefault(self.stem(word), word)
        return list(pairs.items())

    def stem(self, word: str) -> str:
        """The stem of a word without its accents."""
        found = self._stems.get(word)
        if found is None:
            found = self._stems[word] = self._stem(word)
        return found

    def _stem(self, word: str) -> str:
        if self.language != "none" and not any(c.isdigit() for c in word):
            word = self._stemmer.stemWord(word)
        return plain(word)


def plain(word: str) -> str:
    """A word without the accents of Latin, Greek and Cyrillic letters."""
    parts = unicodedata.normalize("NFD", word)
    return unicodedata.normalize("NFC", "".join(c for c in parts if not 0x300 <= ord(c) < 0x370))


def read_synonyms(source: Any) -> dict[str, list[str]]:
    """Words that mean the same, from a table whose first column has the word and the second what it also means."""
    table = read(source)
    if len(table.columns) < 2:
        raise InputError(f"{table.name} has one column; expected two, a word and what it also means")
    first, second = (table.data[name].to_pylist() for name in table.columns[:2])
    found: dict[str, list[str]] = {}
    for word, other in zip(first, second, strict=True):
        if word and other:
            found.setdefault(str(word), []).append(str(other))
    return found


def words(text: str) -> list[str]:
    """The words of a text in any script, case-folded; codes such as `PS-LX350H` also in one piece."""
    text = unicodedata.normalize("NFKC", text).casefold()
    found: list[str] = []
    for word in _word().findall(text):
        found.extend(_bigrams(word) if _UNBROKEN.search(word) else [word[:_MOST_LETTERS]])
    found.extend(_PICTURES.findall(text))
    for chunk in _JOINED.findall(text):
        whole = "".join(_word().findall(chunk))
        if not chunk.isalnum() and 4 <= len(whole) <= 24 and not whole.isdigit():
            found.append(whole)
    return found


def spans_of(text: str) -> Iterator[tuple[int, int, str]]:
    """Start and end of every word of a text as it is written, with the word as it is indexed; signs in pairs."""
    for found in re.finditer(r"\S+", text):
        yield from _spans_in(found.group(), found.start())


def _spans_in(chunk: str, start: int) -> Iterator[tuple[int, int, str]]:
    for found in [*_word().finditer(chunk), *_PICTURES.finditer(chunk)]:
        at, word = start + found.start(), found.group()
        plainly = unicodedata.normalize("NFKC", word).casefold()
        if not _UNBROKEN.search(plainly) or len(plainly) != len(word):
            yield at, start + found.end(), plainly[:_MOST_LETTERS]
            continue
        for place in range(max(1, len(plainly) - 1)):
            yield at + place, at + min(place + 2, len(plainly)), plainly[place : place + 2]
    if any(c.isdigit() for c in chunk) and not chunk.isalnum():
        yield start, start + len(chunk), "".join(_word().findall(unicodedata.normalize("NFKC", chunk).casefold()))


def _bigrams(word: str) -> list[str]:
    """Pairs of signs: what stands for words where no blanks part them."""
    found: list[str] = []
    start = 0
    for run in _UNBROKEN.finditer(word):
        if run.start() > start:
            found.append(word[start : run.start()])
        signs = run.group()
        found.extend([signs] if len(signs) == 1 else [signs[i : i + 2] for i in range(len(signs) - 1)])
        start = run.end()
    return [*found, word[start:]] if start < len(word) else found


def language_of(texts: Iterable[str], most: int = 2_000) -> str:
    """The language whose function words stand most often in the texts, or `none` where hardly any do."""
    counts: dict[str, int] = {}
    total = 0
    for _, text in zip(range(most), texts, strict=False):
        for word in words(text[:2_000]):
            counts[word] = counts.get(word, 0) + 1
            total += 1
    shares = {name: sum(counts.get(w, 0) for w in common.split()) / max(1, total) for name, common in _COMMON.items()}
    best = max(shares, key=lambda name: shares[name])
    return best if shares[best] > _FEWEST_COMMON else "none"


_FEWEST_COMMON = 0.05
_SHORT, _LONG = 5, 8  # letters: below, nothing is guessed; from there on two slips are forgiven


def nearest(word: str, known: Sequence[str], frequency: Sequence[int], most: int = 3) -> list[tuple[str, float]]:
    """Known terms that a mistyped one may mean, with weights in (0, 1], the likeliest first.

    One slip (a letter more, less, other, or two swapped) is forgiven from five letters on, two from eight on;
    the first letter must be right. Between equally near ones the commoner comes first.
    """
    from rapidfuzz import process
    from rapidfuzz.distance import OSA

    if len(word) < _SHORT or any(c.isdigit() for c in word):
        return []
    slips = 2 if len(word) >= _LONG else 1
    near = process.extract(word, known, scorer=OSA.distance, score_cutoff=slips, limit=None)
    ranked = sorted((n for n in near if n[0][0] == word[0]), key=lambda n: (n[1], -frequency[n[2]]))
    if not ranked:
        return []
    best = ranked[0][1]
    return [
        (term, 0.8 ** (distance + place)) for place, (term, distance, _) in enumerate(ranked[:most]) if distance == best
    ]
