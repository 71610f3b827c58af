"""Make the example tables: `python -m scripts.make_examples [FOLDER]`. The same files come out every time.

products/  two catalogues of one shop's goods: north.csv (UTF-8, commas, cm and kg) and south.csv (Windows-1252,
           semicolons, decimal commas, inches and ounces)
people/    two registers of one town's people: register_a.csv and register_b.csv (tab separated)
gold.csv   in both: every pair of rows that are one thing, within a file too
labels.csv, labels_test.csv   in products: pairs as a person might have judged them, matches and look-alikes
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Callable, Sequence
from itertools import combinations
from pathlib import Path
from random import Random

from scripts.example_goods import NORTH, SOUTH, Good, Row, goods, north_row, south_row
from scripts.example_registers import REGISTER_A, REGISTER_B, register_rows

SEED = 20_260
Listed = tuple[int, Row]  # the entity, and how it is written down
LABELS = ("left_id", "right_id", "label")
GOLD = ("left_source", "left_id", "right_source", "right_id")


def make_products(folder: Path) -> None:
    """Two catalogues of 500 rows and a few; 340 goods stand in both, and some twice in one."""
    random = Random(SEED)
    everything = goods(640, random)
    order = list(range(len(everything)))
    random.shuffle(order)
    both, only_north, only_south = order[:340], order[340:490], order[490:]
    north = _listed(both + only_north, everything, north_row, random)
    south = _listed(both + only_south, everything, south_row, random)
    north = _numbered(north, "id", "N{:04d}", random)
    south = _numbered(south, "ID", "S-{:05d}", random)
    _write(folder / "north.csv", NORTH, [row for _, row in north])
    _write(folder / "south.csv", SOUTH, [row for _, row in south], delimiter=";", encoding="cp1252")
    _write_gold(
        folder / "gold.csv", {"north": [(e, r["id"]) for e, r in north], "south": [(e, r["ID"]) for e, r in south]}
    )
    _write_labels(folder, north, south)


def make_people(folder: Path) -> None:
    """Two registers of 450 rows and a few; three quarters of the people stand in both, and some twice in one."""
    first, second = register_rows(SEED)
    random = Random(SEED + 1)
    first, second = _numbered(first, "id", "A{:04d}", random), _numbered(second, "record_id", "{:06d}", random)
    _write(folder / "register_a.csv", REGISTER_A, [row for _, row in first])
    _write(folder / "register_b.csv", REGISTER_B, [row for _, row in second], delimiter="\t")
    ids = {"register_a": [(e, r["id"]) for e, r in first], "register_b": [(e, r["record_id"]) for e, r in second]}
    _write_gold(folder / "gold.csv", ids)


def _listed(
    chosen: Sequence[int], everything: Sequence[Good], write: Callable[[Good, Random, bool], Row], random: Random
) -> list[Listed]:
    rows = [(entity, write(everything[entity], random, False)) for entity in chosen]
    rows += [(entity, write(everything[entity], random, True)) for entity in random.sample(list(chosen), 40)]
    random.shuffle(rows)
    return rows


def _numbered(rows: Sequence[Listed], column: str, form: str, random: Random) -> list[Listed]:
    numbers = sorted(random.sample(range(1, 9_999), len(rows)))
    return [(entity, {column: form.format(number), **row}) for number, (entity, row) in zip(numbers, rows, strict=True)]


def _write(
    path: Path, columns: Sequence[str], rows: Sequence[Row], delimiter: str = ",", encoding: str = "utf-8"
) -> None:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, delimiter=delimiter, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.getvalue().encode(encoding))


def _write_gold(path: Path, ids: dict[str, list[tuple[int, str]]]) -> None:
    entities: dict[int, list[tuple[str, str]]] = {}
    for source, rows in ids.items():
        for entity, row_id in rows:
            entities.setdefault(entity, []).append((source, row_id))
    pairs = sorted((*a, *b) for members in entities.values() for a, b in combinations(sorted(members), 2))
    _write(path, GOLD, [dict(zip(GOLD, pair, strict=True)) for pair in pairs])


def _write_labels(folder: Path, north: Sequence[Listed], south: Sequence[Listed]) -> None:
    """Goods of the north that stand in the south too: each with its match, and with the two that look most like it."""
    words = [set(" ".join(row.values()).casefold().split()) for _, row in south]
    known = {entity for entity, _ in south}
    asked = Random(SEED + 2).sample([one for one in north if one[0] in known], 180)
    lines: list[Row] = []
    for entity, row in asked:
        mine = set(" ".join(row.values()).casefold().split())
        near = sorted(range(len(south)), key=lambda i, mine=mine: (-len(mine & words[i]), i))  # type: ignore[misc]
        match = next(i for i in near if south[i][0] == entity)
        chosen = [(match, "match"), *((i, "not") for i in [i for i in near if south[i][0] != entity][:2])]
        lines += [dict(zip(LABELS, (row["id"], south[i][1]["ID"], said), strict=True)) for i, said in chosen]
    _write(folder / "labels.csv", LABELS, lines[: 3 * 120])
    _write(folder / "labels_test.csv", LABELS, lines[3 * 120 :])


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent / "examples"
    make_products(target / "products")
    make_people(target / "people")
