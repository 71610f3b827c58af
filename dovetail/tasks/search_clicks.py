"""Clicks as judgements: what people saw is separated from what they liked (the position-based click model).

A click needs that the place was looked at and that the document pleased: P(click) = look(rank) · like(query, document).
Both are estimated together by expectation maximisation. Source: Richardson et al. 2007; Chuklin et al., Click Models
for Web Search, 2015. Where documents never change places, rank and quality cannot be told apart; then looking is held
near 1 / rank.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dovetail.errors import InputError
from dovetail.tables.read import read
from dovetail.tasks.search_documents import id_of
from dovetail.tasks.search_judgements import Judgements, judgements_of
from dovetail.types import Table

_ROUNDS = 100
_SHOWN_AS_PRIOR = 20.0  # as if a place had been shown this often, and looked at 1 / rank of the time
_LIKE_PRIOR = (0.5, 1.5)  # clicks and looks without a click that every document starts with
_FEWEST_LOOKS = 1.0  # expected looks; a document that was hardly ever seen is not judged
_NAMES = {
    "query": ("query", "query_text", "user_query", "search", "q", "query-id", "query_id", "qid"),
    "document": ("document", "document_id", "doc_id", "corpus-id", "product_id", "id", "item"),
    "rank": ("rank", "position", "place"),
    "clicked": ("clicked", "click", "clicks"),
}

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Clicks:
    """What was shown where, and whether it was clicked: one row a showing, (n,) each."""

    query: list[str]
    document: list[str]
    rank: npt.NDArray[np.int64]  # from 1
    clicked: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class ClickModel:
    """`look` (r,): the probability that a place is looked at, of rank 1 … r; the judgements that follow."""

    look: Floats
    judgements: Judgements


def has_clicks(table: Table) -> bool:
    """Whether a table tells what was shown at which rank, and what of it was clicked."""
    known = {c.casefold() for c in table.columns}
    return all(known & {*_NAMES[key]} for key in ("rank", "clicked"))


def read_clicks(source: Any) -> Clicks:
    """Clicks from a file or table with the columns query, document, rank (from 1) and clicked (1 or 0)."""
    table = read(source)
    known = {c.casefold(): c for c in table.columns}
    columns = {key: next((known[n] for n in names if n in known), None) for key, names in _NAMES.items()}
    missing = [key for key, column in columns.items() if column is None]
    if missing:
        raise InputError(
            f"{table.name} has no column {missing[0]}; clicks need query, document, rank and clicked, "
            f"found {', '.join(table.columns)}"
        )
    cells = {key: table.data[column].to_pylist() for key, column in columns.items()}
    try:
        rank = np.array([int(float(r)) for r in cells["rank"]], np.int64)
        clicked = np.array([_true(c) for c in cells["clicked"]], bool)
    except (TypeError, ValueError) as error:
        raise InputError(f"{table.name} has a rank or click that is not understood: {error}") from None
    if len(rank) and rank.min() < 1:
        raise InputError(f"{table.name} has the rank {rank.min()}; ranks start at 1")
    return Clicks([id_of(q) for q in cells["query"]], [id_of(d) for d in cells["document"]], rank, clicked)


def _true(cell: Any) -> bool:
    return str(cell).strip().casefold() in ("1", "1.0", "true", "yes", "y", "t")


def click_model(clicks: Clicks) -> ClickModel:
    """How often each place is looked at, and from that how much each document is liked: grades in [0, 1]."""
    if not clicks.clicked.any():
        raise InputError("nothing was clicked, so there is nothing to learn from clicks")
    pairs = list(zip(clicks.query, clicks.document, strict=True))
    number = {pair: i for i, pair in enumerate(dict.fromkeys(pairs))}
    of = np.array([number[pair] for pair in pairs])
    look, like, looks = _estimated(of, clicks.rank - 1, clicks.clicked, len(number))
    seen = [pair for pair, i in number.items() if looks[i] >= _FEWEST_LOOKS]
    if not seen:
        raise InputError("no document was shown often enough to learn from its clicks; collect more of them")
    return ClickModel(look, judgements_of((q, d, float(like[number[q, d]])) for q, d in seen))


def _estimated(
    of: npt.NDArray[np.int64], place: npt.NDArray[np.int64], clicked: npt.NDArray[np.bool_], documents: int
) -> tuple[Floats, Floats, Floats]:
    """Looking by place, liking by document, and how often each document was looked at, expected."""
    places = int(place.max()) + 1
    prior = 1 / np.arange(1, places + 1)
    look, like = prior.copy(), np.full(documents, 0.3)
    shown = np.bincount(place, minlength=places)
    looked = np.ones(len(of))
    for _ in range(_ROUNDS):
        both = look[place] * like[of]
        looked = np.where(clicked, 1.0, (look[place] - both) / np.maximum(1 - both, 1e-9))
        liked = np.where(clicked, 1.0, (like[of] - both) / np.maximum(1 - both, 1e-9))
        clicks, passed = _LIKE_PRIOR
        total = np.bincount(of, minlength=documents)
        like = (np.bincount(of, liked, documents) + clicks) / (total + clicks + passed)
        look = (np.bincount(place, looked, places) + _SHOWN_AS_PRIOR * prior) / (shown + _SHOWN_AS_PRIOR)
        look = look / look[0]
    return look, np.asarray(like, np.float64), np.bincount(of, looked, documents).astype(np.float64)
