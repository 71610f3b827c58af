"""The public sets that matching is measured and trained on: tables, gold, labelled parts, families.

Sets of one family share records, so a figure "without its relatives" leaves the whole family out of training.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from dovetail.tables.read import read
from dovetail.types import Candidates, Table

FAMILIES = {
    "abt-buy": "abt-buy",
    "e2e-abt-buy": "abt-buy",
    "amazon-google": "amazon-google",
    "dblp-acm": "citations",
    "dblp-scholar": "citations",
    "dirty-dblp-acm": "citations",
    "machamp-rel-text": "citations",
    "e2e-dblp-acm": "citations",
    "cora": "citations",
    "fodors-zagats": "restaurants",
    "machamp-rel-heter": "restaurants",
    "okkam-restaurants": "restaurants",
    "wdc-products-80cc-half-unseen": "wdc",
    "winter-products": "wdc",
    "pydi-companies-forbes-dbpedia": "companies",
    "pydi-companies-forbes-fullcontact": "companies",
    "pydi-games-dbpedia-sales": "games",
    "pydi-music-musicbrainz-lastfm": "music",
    "musicbrainz-20k": "music",
    "winter-movies-academy-awards-actors": "movies",
    "winter-movies-actors-golden-globes": "movies",
    "imdb-tmdb": "movies",
    "e2e-imdb-tmdb": "movies",
    "febrl1": "febrl",
    "febrl3": "febrl",
    "rldata500": "rldata",
    "splink-fake-1000": "splink",
    "splink-historical-50k": "splink",
    "sigmod2021-notebooks-x2": "notebooks",
    "finance-cash-application": "finance",
    "made-people": "made-people",
}

# Sets whose tables hold no duplicates of their own. Stacked into one table, as `NAME@one`, they teach what two records
# of one source look like that are alike and yet not the same.
ONE = ("e2e-abt-buy@one", "e2e-dblp-acm@one", "e2e-imdb-tmdb@one", "fodors-zagats@one")


@dataclass(frozen=True)
class GoldSet:
    """Tables with gold. Positions count through the stacked tables.

    `matches` lists true pairs (m, 2); `complete` says whether they are all of them. `labelled` gives for each
    published part the pairs and labels.
    """

    name: str
    family: str
    tables: list[Table]
    matches: npt.NDArray[np.int32]
    complete: bool
    labelled: dict[str, tuple[Candidates, npt.NDArray[np.int8]]] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(len(t) for t in self.tables)

    def pair_positions(self) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        """The true pairs, closed to clusters, as two arrays with left < right."""
        order = np.argsort(self.cluster_labels(), kind="stable")
        labels = self.cluster_labels()[order]
        starts = np.flatnonzero(np.r_[True, labels[1:] != labels[:-1]])
        left, right = [], []
        for a, b in zip(starts, np.r_[starts[1:], len(labels)], strict=True):
            if b - a > 1:
                members = np.sort(order[a:b])
                i, j = np.triu_indices(b - a, 1)
                left.append(members[i])
                right.append(members[j])
        if not left:
            return np.zeros(0, np.int32), np.zeros(0, np.int32)
        pairs = np.concatenate(left).astype(np.int32), np.concatenate(right).astype(np.int32)
        if len(self.tables) < 2:
            return pairs
        across = self.source_of[pairs[0]] != self.source_of[pairs[1]]
        return pairs[0][across], pairs[1][across]

    @cached_property
    def source_of(self) -> npt.NDArray[np.int32]:
        """The table of each record, (n,)."""
        return np.repeat(np.arange(len(self.tables)), [len(t) for t in self.tables]).astype(np.int32)

    def cluster_labels(self) -> npt.NDArray[np.int32]:
        """The true entity of each record, (n,)."""
        ones = np.ones(len(self.matches), np.int8)
        links = coo_array((ones, (self.matches[:, 0], self.matches[:, 1])), shape=(self.rows, self.rows))
        return np.asarray(connected_components(links, directed=False)[1], dtype=np.int32)


def data_folder() -> Path:
    """Where the public sets lie: the environment's DOVETAIL_DATA, or `../shared/data` beside the project."""
    folder = Path(os.environ.get("DOVETAIL_DATA") or Path(__file__).parent.parent.parent / "shared" / "data")
    if not (folder / "er").is_dir():
        raise SystemExit(f"no data at {folder}; set DOVETAIL_DATA to the folder that holds er/")
    return folder


def load(name: str, data: Path | None = None) -> GoldSet:
    """One set by name; identifiers that give the gold away are kept as row ids only."""
    if name.endswith("@one"):
        return replace(load(name.removesuffix("@one"), data), name=name, complete=True, labelled={})
    if name == "made-people":
        return _made_people()
    folder = (data or data_folder()) / "er" / name
    if name.startswith("autofj/"):
        return _linkage(name, "autofj", folder)
    if name not in FAMILIES or not folder.is_dir():
        raise SystemExit(f"no set {name!r}; known: {', '.join(FAMILIES)} and autofj/<domain>")
    if _path(folder, "records") is not None:
        return _clustered(name, FAMILIES[name], folder)
    if _path(folder, "matches") is not None:
        return _linkage(name, FAMILIES[name], folder)
    return _paired(name, FAMILIES[name], folder)


def _path(folder: Path, stem: str) -> Path | None:
    return next((p for p in (folder / f"{stem}.csv", folder / f"{stem}.csv.gz") if p.is_file()), None)


def _table(folder: Path, stem: str) -> Table:
    path = _path(folder, f"{stem}_noleak") or _path(folder, stem)
    if path is None:
        raise SystemExit(f"{folder} has no {stem}.csv")
    table = read(path, id="id", name=stem)
    # The id names the row and, in several sets, gives the gold away; `category` of rel-heter ends in the gold id.
    drop = ["id"] + [c for c in ("class",) if c in table.columns]
    data = table.data.drop_columns(drop)
    if folder.name == "machamp-rel-heter" and "category" in data.column_names:
        position = data.column_names.index("category")
        data = data.set_column(position, "category", pc.replace_substring_regex(data["category"], r"\s*\S+$", ""))
    return Table(stem, data, table.ids, table.rejects, None)


def _sides(folder: Path) -> list[Table]:
    return [_table(folder, "left"), _table(folder, "right")]


def _where(tables: list[Table], path: Path) -> tuple[npt.NDArray[np.int32], pa.Table]:
    """The pairs of a file as positions in the stacked tables, with left < right."""
    pairs = read(path).data
    left = pc.index_in(pairs["left_id"], tables[0].ids)
    right = pc.index_in(pairs["right_id"], tables[-1].ids)
    offset = len(tables[0]) if len(tables) > 1 else 0
    found = np.stack([np.asarray(left), np.asarray(right) + offset], axis=1).astype(np.int32)
    return np.sort(found, axis=1), pairs


def _linkage(name: str, family: str, folder: Path) -> GoldSet:
    tables = _sides(folder)
    path = _path(folder, "matches")
    assert path is not None
    matches, _ = _where(tables, path)
    return GoldSet(name, family, tables, matches, True)


def _paired(name: str, family: str, folder: Path) -> GoldSet:
    tables = _sides(folder)
    labelled = {}
    positives = []
    for part in ("train", "valid", "test"):
        path = _path(folder, part)
        if path is None:
            continue
        found, rows = _where(tables, path)
        label = np.asarray(pc.cast(rows["label"], pa.int8())).astype(np.int8)
        keys, first = np.unique(found[:, 0].astype(np.int64) << 32 | found[:, 1], return_index=True)
        labelled[part] = (Candidates(found[first, 0], found[first, 1]), label[first])
        positives.append(found[first][label[first] == 1])
        del keys
    return GoldSet(name, family, tables, np.concatenate(positives), False, labelled)


def _clustered(name: str, family: str, folder: Path) -> GoldSet:
    table = _table(folder, "records")
    path = _path(folder, "clusters")
    assert path is not None
    rows = read(path).data
    codes = np.asarray(rows["cluster_id"].combine_chunks().dictionary_encode().indices)
    place = np.asarray(pc.index_in(rows["id"], table.ids))
    order = np.argsort(codes, kind="stable")
    same = codes[order][1:] == codes[order][:-1]
    matches = np.stack([place[order][:-1][same], place[order][1:][same]], axis=1).astype(np.int32)
    return GoldSet(name, family, [table], np.sort(matches, axis=1), True)


def _made_people(rows: int = 6_000, seed: int = 11) -> GoldSet:
    """Made-up people with families: who shares a surname, an address and a phone is not the same person."""
    from bench.people_rows import make

    data, entity = make(rows, seed)
    ids = pa.array([str(i) for i in range(data.num_rows)])
    order = np.argsort(entity, kind="stable")
    same = entity[order][1:] == entity[order][:-1]
    matches = np.stack([order[:-1][same], order[1:][same]], axis=1).astype(np.int32)
    return GoldSet("made-people", "made-people", [Table("people", data, ids)], np.sort(matches, axis=1), True)
