"""The made-up people: names by combining stems and endings, a person's true record, and what clerks do to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Text = npt.NDArray[np.object_]
Random = np.random.Generator

_GIVEN = """
Olivia Amelia Isla Ava Mia Ivy Lily Freya Florence Willow Ella Grace Sophia Evelyn Rosie Poppy Charlotte Elsie Emily
Evie Alice Sienna Phoebe Daisy Ruby Matilda Harper Maya Violet Isabelle Sofia Ada Millie Luna Thea Hallie Eva Emma
Eleanor Rose Mary Margaret Susan Patricia Christine Linda Jean Barbara Elizabeth Sarah Karen Helen Julie Jacqueline
Angela Janet Carol Anne Ann Sandra Dorothy Joan Sheila Maureen Pauline Gillian Tracey Alison Deborah Amanda Sharon
Nicola Samantha Lisa Joanne Claire Rebecca Laura Emma Gemma Rachel Victoria Katherine Catherine Hannah Lucy Jessica
Chloe Megan Zoe Amy Heather Natasha Ingrid Astrid Sigrid Marta Agnes Beata Irena Zofia Halina Danuta Aisha Fatima
Maryam Zainab Yasmin Noor Priya Anjali Meera Sunita Deepa Kavita Mei Lan Hui Xiu Yuki Akiko Naomi Chiara Giulia Paola
Lucia Carmen Pilar Ines Beatriz Camille Elodie Noah Oliver George Arthur Muhammad Leo Harry Oscar Archie Theodore Jack
Theo Freddie Finley Henry Alfie Luca Thomas Edward Charlie Isaac Lucas Max Mason Adam Reuben Roman Albert Louis Jude
Ezra Rowan Felix Hugo Toby Elliot Rory Ralph Stanley John David Michael Peter Robert James William Richard Christopher
Paul Stephen Andrew Mark Anthony Brian Kenneth Ronald Alan Derek Keith Graham Colin Trevor Barry Roger Nigel Kevin
Gary Ian Neil Martin Philip Simon Darren Lee Wayne Craig Scott Matthew Daniel Joseph Samuel Benjamin Jonathan Nathan
Ryan Luke Jordan Kieran Callum Connor Liam Sean Owen Rhys Gareth Huw Lars Nils Erik Sven Jan Piotr Pawel Marek Tomasz
Andrzej Ahmed Omar Hassan Yusuf Ibrahim Ali Raj Sanjay Vikram Arjun Rohan Amit Wei Jun Ming Hiro Kenji Marco Paolo
Luigi Carlos Javier Diego Miguel Pierre Antoine Julien Mateus Tiago Emeka Kwame
"""
_STEMS = """
Ash Barn Beck Birch Black Bolt Brad Bram Brook Burn Cald Carl Chad Clay Cole Cran Crow Dal Den Dray Dun East Eck Ell
Fair Far Fen Field Ford Fox Gar Glen Gold Grant Green Hal Ham Hard Hart Hay Hazel Heath Hel Hol Horn Hux Ing Kel Ken
Kirk Lam Lang Law Leigh Lin Lock Long Lyn Mar Mel Mid Mill Mor Nor North Oak Old Pem Pen Pres Rad Red Rich Ros Row
Rush Sand Sel Shaw Shel Stan Stock Stone Strat Sut Tal Thorn Tren Wake Wal War Wat Wel West Whit Wil Win Wood Yar
"""
_ENDINGS = """
ton ham ley ford well wood worth field by bury stone man son er ing wick land ridge sey den dale croft more gate more
low
"""
_PLACES = ("Great", "Little", "Upper", "Lower", "North", "South", "East", "West", "Market", "Saint")
_SHORT = {
    "Street": "St",
    "Road": "Rd",
    "Lane": "Ln",
    "Avenue": "Ave",
    "Close": "Cl",
    "Drive": "Dr",
    "Gardens": "Gdns",
    "Court": "Ct",
    "Terrace": "Terr",
    "Way": "Wy",
}
_MAIL = tuple(f"{name}.example" for name in ("postbox", "mailhub", "inbox", "letters", "webmail", "homepost"))
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
FIELDS = (
    "given_name",
    "surname",
    "street_number",
    "street",
    "town",
    "postcode",
    "date_of_birth",
    "phone",
    "email",
)
People = dict[str, Text]


def make(rows: int, seed: int) -> tuple[pa.Table, npt.NDArray[np.int64]]:
    """A table of `rows` rows (id and FIELDS, text, null where missing) in random order, and each row's person (n,)."""
    rng = np.random.default_rng(seed)
    count = max(1, round(rows * 0.8))
    truth = persons(count, rng)
    entity = np.concatenate([np.arange(count), rng.integers(0, count, rows - count)])
    people = {name: values[entity] for name, values in truth.items()}
    _miss(people, rng, np.arange(rows), {"phone": 0.12, "email": 0.35, "postcode": 0.03, "date_of_birth": 0.02})
    spoil(people, np.arange(count, rows), rng)
    order = rng.permutation(rows)
    columns = {name: pa.array(values[order], pa.string()) for name, values in people.items()}
    ids = pa.array([f"P{i:08d}" for i in range(1, rows + 1)])
    return pa.table({"id": ids, **columns}), entity[order]


def surnames() -> Text:
    """All surnames, the most frequent first."""
    return _combined(17)


def _combined(seed: int) -> Text:
    stems, endings = _STEMS.split(), list(dict.fromkeys(_ENDINGS.split()))
    names = np.array([s + e for s in stems for e in endings if s[-1].lower() != e[0]], object)
    return names[np.random.default_rng(seed).permutation(len(names))]


def _frequent(names: Text, size: int, rng: Random) -> Text:
    """Draws that follow Zipf's law with a flattened head: rank r is drawn in proportion to 1 / (r + 12)."""
    weight = 1 / (np.arange(len(names)) + 12.0)
    return names[
        np.searchsorted(np.cumsum(weight) / weight.sum(), rng.random(size), side="right").clip(0, len(names) - 1)
    ]


def _joined(*parts: Text | str) -> Text:
    whole: Any = parts[0]
    for part in parts[1:]:
        whole = whole + part
    return np.asarray(whole, dtype=object)


def _text(numbers: npt.NDArray[Any], width: int = 0) -> Text:
    return np.array([f"{n:0{width}d}" for n in numbers.tolist()], object)


def persons(n: int, rng: Random, families: float = 0.33) -> People:
    """The true records of n persons: FIELDS as text arrays (n,). The share `families` lives with somebody else."""
    people: People = {"given_name": _frequent(np.array(_GIVEN.split(), object), n, rng)}
    people["surname"] = _frequent(surnames(), n, rng)
    people.update(_addresses(n, rng))
    days = np.datetime64("1928-01-01") + rng.integers(0, 29_000, n)
    people["date_of_birth"] = np.datetime_as_string(days).astype(object)
    people["phone"] = _joined("0", _text(rng.integers(1200, 1980, n)), " ", _text(rng.integers(100_000, 999_999, n)))
    _move_families_together(people, rng, families)
    people["email"] = _emails(people, rng)
    return {name: people[name] for name in FIELDS}


def _addresses(n: int, rng: Random) -> People:
    towns = _combined(5)[:400]
    towns[::7] = _joined(np.array(_PLACES, object)[np.arange(len(towns[::7])) % len(_PLACES)], " ", towns[::7])
    streets = np.array([f"{name} {road}" for name in _combined(7)[:700] for road in _SHORT], object)
    streets = streets[rng.permutation(len(streets))]
    weight = 1 / (np.arange(len(towns)) + 8.0)
    town = np.searchsorted(np.cumsum(weight) / weight.sum(), rng.random(n)).clip(0, len(towns) - 1)
    area = np.array([t[:2].upper() for t in towns.tolist()], object)[town]
    inward = rng.integers(0, 40, n)
    letters = np.array([_LETTERS[i % 26].upper() + _LETTERS[(i * 7 + 3) % 26].upper() for i in range(40)], object)
    return {
        "street_number": _text(1 + (rng.random(n) ** 2 * 180).astype(int)),
        "street": streets[rng.integers(0, len(streets), n)],
        "town": towns[town],
        "postcode": _joined(area, _text(town % 20 + 1), " ", _text(inward % 10), letters[inward]),
    }


def _move_families_together(people: People, rng: Random, share: float) -> None:
    """This share of the persons lives with the person before them: same surname, address, and mostly telephone."""
    n = len(people["surname"])
    home = np.arange(n)
    follows = np.flatnonzero(rng.random(n) < share)
    home[follows[follows > 0]] -= 1
    home = home[home]
    for name in ("surname", "street_number", "street", "town", "postcode"):
        people[name] = people[name][home]
    shares = rng.random(n) < 0.6
    people["phone"] = np.where(shares, people["phone"][home], people["phone"])


def _emails(people: People, rng: Random) -> Text:
    n = len(people["surname"])
    given = np.array([g.lower() for g in people["given_name"].tolist()], object)
    family = np.array([s.lower() for s in people["surname"].tolist()], object)
    number = np.where(rng.random(n) < 0.5, _text(rng.integers(1, 100, n)), "").astype(object)
    head = np.where(rng.random(n) < 0.3, np.array([g[0] for g in given.tolist()], object), _joined(given, "."))
    return _joined(head, family, number, "@", np.array(_MAIL, object)[rng.integers(0, len(_MAIL), n)])


def _miss(people: People, rng: Random, rows: npt.NDArray[Any], shares: dict[str, float]) -> None:
    for name, share in shares.items():
        people[name][rows[rng.random(len(rows)) < share]] = None


def spoil(people: People, rows: npt.NDArray[Any], rng: Random) -> None:
    """What happens to a second record, in place."""

    def some(share: float) -> npt.NDArray[Any]:
        return rows[rng.random(len(rows)) < share]

    _move_away(people, some(0.12), rng)
    new = some(0.03)
    people["surname"][new] = _frequent(surnames(), len(new), rng)
    swapped = some(0.02)
    people["given_name"][swapped], people["surname"][swapped] = (
        people["surname"][swapped].copy(),
        people["given_name"][swapped].copy(),
    )
    _each(people, "given_name", some(0.05), lambda v: v[0])
    _each(people, "street", some(0.35), _short_road)
    _each(people, "date_of_birth", some(0.25), lambda v: f"{v[8:]}/{v[5:7]}/{v[:4]}")
    _each(people, "date_of_birth", some(0.02), lambda v: v[::-1][:1] + v[1:] if v[0] != "1" else v[:-2] + v[-2:][::-1])
    _each(people, "phone", some(0.3), lambda v: v.replace(" ", ""))
    _each(people, "phone", some(0.15), lambda v: "+44 " + v[1:])
    _each(people, "postcode", some(0.2), lambda v: v.replace(" ", ""))
    shares = {"given_name": 0.10, "surname": 0.12, "street": 0.08, "town": 0.06, "phone": 0.06, "email": 0.08}
    for name, share in (shares | {"date_of_birth": 0.04, "postcode": 0.06, "street_number": 0.03}).items():
        _mistype(people, name, some(share), rng)
    _miss(
        people, rng, rows, {"phone": 0.15, "email": 0.25, "date_of_birth": 0.06, "postcode": 0.08, "given_name": 0.01}
    )
    for name in ("surname", "town"):
        _each(people, name, some(0.04), str.upper)


def _move_away(people: People, rows: npt.NDArray[Any], rng: Random) -> None:
    """A new address; half of those who move have a new telephone, a third a new e-mail."""
    for name, values in _addresses(len(rows), rng).items():
        people[name][rows] = values
    calls = rows[rng.random(len(rows)) < 0.5]
    people["phone"][calls] = _joined("07", _text(rng.integers(100_000_000, 999_999_999, len(calls))))
    _miss(people, rng, rows, {"email": 0.33})


def _short_road(street: str) -> str:
    name, _, road = street.rpartition(" ")
    return f"{name} {_SHORT.get(road, road)}"


def _each(people: People, name: str, rows: npt.NDArray[Any], change: Callable[[str], str]) -> None:
    column = people[name]
    column[rows] = np.array([v if not v else change(v) for v in column[rows].tolist()], object)


def _mistype(people: People, name: str, rows: npt.NDArray[Any], rng: Random) -> None:
    """One slip of a finger in each: a character left out, doubled, replaced, or swapped with the next."""
    kinds, draws = rng.integers(0, 4, len(rows)).tolist(), rng.random(len(rows)).tolist()
    letters = rng.integers(0, 26, len(rows)).tolist()
    column = people[name]
    found = []
    for value, kind, draw, letter in zip(column[rows].tolist(), kinds, draws, letters, strict=True):
        found.append(value if not value or len(value) < 2 else _slip(value, kind, int(draw * (len(value) - 1)), letter))
    column[rows] = np.array(found, object)


def _slip(value: str, kind: int, place: int, letter: int) -> str:
    here, after = value[place], value[place + 1]
    other = str(letter % 10) if here.isdigit() else _LETTERS[letter]
    changed = (after, here + here + after, other + after, after + here)[kind]
    return value[:place] + changed + value[place + 2 :]
