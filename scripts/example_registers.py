"""Two registers of one town's people, made up: the residents' office and the public library."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.people_rows import persons, spoil

Row = dict[str, str]
REGISTER_A = ("id", "first_name", "last_name", "birth_date", "street", "house_no", "postcode", "town", "phone", "email")
REGISTER_B = ("record_id", "name", "dob", "address", "place", "telephone", "mail", "member_since")
_TOWNS = (("Marlow Heath", "MH4"), ("Marlow Heath", "MH4"), ("Marlow Heath", "MH5"), ("Nether Marlow", "MH7"))
_PEOPLE, _BOTH, _ONLY = 560, 330, 90


def register_rows(seed: int) -> tuple[list[tuple[int, Row]], list[tuple[int, Row]]]:
    """The rows of both registers, each with its person's number, in random order."""
    rng = np.random.default_rng(seed)
    truth = persons(_PEOPLE, rng, families=0.15)
    town = rng.integers(0, len(_TOWNS), _PEOPLE)
    truth["town"] = np.array([_TOWNS[t][0] for t in town], object)
    truth["postcode"] = np.array(
        [f"{_TOWNS[t][1]} {p.split()[1]}" for t, p in zip(town, truth["postcode"].tolist(), strict=True)], object
    )
    who = rng.permutation(_PEOPLE)
    first = np.concatenate([who[: _BOTH + _ONLY], rng.choice(who[: _BOTH + _ONLY], 35, replace=False)])
    second = np.concatenate([who[:_BOTH], who[_BOTH + _ONLY :]])
    second = np.concatenate([second, rng.choice(second, 30, replace=False)])
    return _register_a(truth, first, rng), _register_b(truth, second, rng)


def _copied(truth: dict[str, Any], who: Any, spoilt: Any, rng: np.random.Generator) -> dict[str, list[str | None]]:
    people = {name: values[who].copy() for name, values in truth.items()}
    spoil(people, spoilt, rng)
    return {name: values.tolist() for name, values in people.items()}


def _register_a(truth: dict[str, Any], who: Any, rng: np.random.Generator) -> list[tuple[int, Row]]:
    """Mostly right; a fifth of the rows, and every second entry of a person, went through careless hands."""
    careless = np.flatnonzero((rng.random(len(who)) < 0.2) | (np.arange(len(who)) >= _BOTH + _ONLY))
    people = _copied(truth, who, careless, rng)
    columns = dict(
        zip(
            ("given_name", "surname", "date_of_birth", "street", "street_number", "postcode", "town", "phone", "email"),
            REGISTER_A[1:],
            strict=True,
        )
    )
    rows = [{new: people[old][i] or "" for old, new in columns.items()} for i in range(len(who))]
    return _shuffled(who, rows, rng)


def _register_b(truth: dict[str, Any], who: Any, rng: np.random.Generator) -> list[tuple[int, Row]]:
    """Copied by hand from cards: every row went through it."""
    people = _copied(truth, who, np.arange(len(who)), rng)
    rows = []
    for i in range(len(who)):
        given, family = people["given_name"][i] or "", people["surname"][i] or ""
        turned = rng.random() < 0.7
        rows.append(
            {
                "name": f"{family}, {given}" if turned and given else f"{given} {family}".strip(),
                "dob": _day(people["date_of_birth"][i]),
                "address": f"{people['street_number'][i]} {people['street'][i]}",
                "place": people["town"][i] or "",
                "telephone": people["phone"][i] or "",
                "mail": people["email"][i] or "",
                "member_since": str(rng.integers(1988, 2026)),
            }
        )
    return _shuffled(who, rows, rng)


def _day(iso: str | None) -> str:
    """A date as the library writes it: 31.12.1999."""
    if not iso:
        return ""
    parts = iso.split("-")
    return ".".join(reversed(parts)) if len(parts) == 3 else iso.replace("/", ".")


def _shuffled(who: Any, rows: list[Row], rng: np.random.Generator) -> list[tuple[int, Row]]:
    return [(int(who[i]), rows[i]) for i in rng.permutation(len(rows))]
