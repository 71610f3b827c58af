"""Two made-up catalogues of the same goods with judged pairs, small enough to train on within seconds."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from dovetail.types import Pairs, Table

_MAKERS = ("Kestrel", "Alba", "Orbis", "Tamar", "Penhale", "Sandvale", "Eastray", "Ardmore", "Corvin", "Lowick")
_GOODS = ("drill", "kettle", "lamp", "hose", "trimmer", "tent", "pump", "mixer", "saw", "heater")
_MORE = ("cordless", "white", "compact", "steel", "garden", "folding", "quiet", "heavy duty", "mini", "classic")


def catalogues(n: int = 70, seed: int = 0) -> tuple[Table, Table, Pairs]:
    """Tables `north` and `south` of n goods each, and judged pairs: each n with its own, its neighbour, a stranger.

    Neighbours share maker and kind of good and differ in model number and price, so that they are hard to tell apart.
    """
    random = np.random.default_rng(seed)
    left, right = [], []
    for i in range(n):
        maker, good = _MAKERS[i // 2 % 10], _GOODS[i // 2 * 7 % 10]
        code, price = f"{maker[0]}{good[0].upper()}-{random.integers(100, 999)}", float(random.integers(10, 400))
        more = _MORE[random.integers(0, 10)]
        left.append((f"n{i}", f"{maker} {code} {more} {good}", maker, f"{price:.2f}"))
        shown = code.replace("-", "") if random.random() < 0.5 else code
        words = f"{good} {shown}" if random.random() < 0.5 else f"{more} {good}, {maker} {shown}"
        cost = None if random.random() < 0.2 else f"{price * random.uniform(0.9, 1.1):.2f}"
        right.append((f"s{i}", words, maker.upper() if random.random() < 0.8 else None, cost))
    pairs = [(i, i, 1) for i in range(n)] + [(i, i ^ 1, 0) for i in range(n)] + [(i, (i + 9) % n, 0) for i in range(n)]
    return (
        _table("north", ("id", "title", "maker", "price"), left),
        _table("south", ("sku", "product", "brand", "cost"), right),
        judged([(f"n{a}", f"s{b}", label) for a, b, label in pairs if b < n]),
    )


def judged(rows: list[tuple[str, str, int]]) -> Pairs:
    """Judged pairs from left id, right id and label."""
    left, right, label = zip(*rows, strict=True)
    return Pairs(pa.array(left), pa.array(right), label=np.array(label, np.int8))


def some(pairs: Pairs, chosen: np.ndarray) -> Pairs:
    """The pairs in these rows."""
    at = pa.array(np.flatnonzero(chosen) if chosen.dtype == bool else chosen)
    assert pairs.label is not None
    return Pairs(pairs.left_ids.take(at), pairs.right_ids.take(at), label=pairs.label[at.to_numpy()])


def _table(name: str, columns: tuple[str, ...], rows: list[tuple[str | None, ...]]) -> Table:
    data = {c: pa.array([row[k] for row in rows], pa.string()) for k, c in enumerate(columns)}
    return Table(name, pa.table(data), data[columns[0]], id_column=columns[0])
