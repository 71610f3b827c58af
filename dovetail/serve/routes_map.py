"""Routes: the map, its colours as compact arrays, and the line around some points."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response

from dovetail.labels.said import Answer, Row, classes
from dovetail.serve.asked import Bench, Labeller, Someone
from dovetail.serve.wire import Name
from dovetail.serve.wire_data import Caught, Lasso, MapInfo, MapLabel, Said

router = APIRouter()
Method = Annotated[Literal["pca", "classes", "umap"], Query()]
_BINARY = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
_BYTES: dict[int | str, dict[str, Any]] = {200: {"content": _BINARY}}


@router.get("/map")
def map_info(bench: Bench, who: Someone, table: Name = "records", method: Method = "pca") -> MapInfo:
    """Whether a map is drawn, and what it can be coloured by. Asked with a token, a missing one is drawn."""
    return bench.maps.info(table, method, who.person if who else None)


@router.get("/map/points", response_class=Response, responses=_BYTES)
def points(bench: Bench, table: Name = "records", method: Method = "pca") -> Response:
    """float32, little-endian: x and y of each row in [-1, 1], in the order of the rows."""
    found = bench.maps.points(table, method)
    return _sent(found.astype("<f4", copy=False).tobytes(), len(found))


@router.get("/map/colours", response_class=Response, responses=_BYTES)
def colours(bench: Bench, name: Name, table: Name = "records") -> Response:
    """uint16 numbers of categories (65535: none), or float32 numbers (NaN: none), in the order of the rows."""
    found = bench.maps.colour(table, name)
    return _sent(found.astype(found.dtype.newbyteorder("<"), copy=False).tobytes(), len(found))


@router.post("/map/lasso")
def lasso(given: Lasso, bench: Bench, who: Labeller) -> Caught:
    """The rows inside a line."""
    del who
    return bench.maps.inside(given)


@router.post("/map/label")
def label(given: MapLabel, bench: Bench, who: Labeller) -> Said:
    """One class for many rows at once; the same key sent again is kept once."""
    view = bench.tables.get(given.table)
    rows = list(dict.fromkeys(view.check(row) for row in given.rows))
    keys = [given.key if n == 0 else f"{given.key}~{n}" for n in range(len(rows))]
    said = [
        Answer(classes(Row(str(view.ids[row].as_py()), view.source(row)), given.value, task=view.name), key=key)
        for row, key in zip(rows, keys, strict=True)
    ]
    events = bench.ledger.store.say(said, person=who.person, session="map")
    bench.ledger.refresh()
    bench.people.audit(who.person, "label on the map", view.name, f"{len(rows)} rows")
    return Said(labels=len(events), events=[e.id for e in events])


def _sent(content: bytes, count: int) -> Response:
    return Response(content, media_type="application/octet-stream", headers={"x-count": str(count)})
