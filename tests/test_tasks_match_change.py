"""Changes that turn a decision: compared without preparing anything again, and true where they are said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from made_catalogues import catalogues, some

from dovetail.tasks import match, match_learn
from dovetail.tasks.compare import Comparer
from dovetail.tasks.compare_copies import Copies, CopyComparer
from dovetail.tasks.explained import log_odds
from dovetail.tasks.match_join import Join
from dovetail.tasks.match_tables import Matcher
from dovetail.tasks.records import records_of
from dovetail.types import Candidates, Job, Pairs, Progress, Records

NORTH, SOUTH, PAIRS = catalogues()
ASKED: Pairs = some(PAIRS, np.arange(len(PAIRS)) % 4 == 3)


class Lengths:
    """An expert that knows titles by their length, and counts what it reads."""

    def __init__(self) -> None:
        self.read: list[int] = []

    def log_odds(self, records: Records, pairs: Candidates, *, beside: Records | None = None) -> Job[Any]:
        """Ten where two titles are of one length, less where they are not."""
        lengths = _lengths(records) if beside is None else _lengths(records) + _lengths(beside)
        self.read.append(len(pairs))
        yield Progress("match", 0, len(pairs))
        ends = zip(pairs.left.tolist(), pairs.right.tolist(), strict=True)
        return np.array([10.0 - abs(lengths[a] - lengths[b]) for a, b in ends])


def _lengths(records: Records) -> list[int]:
    return [len(v or "") for v in records.text["title"].to_pylist()]


@pytest.fixture(scope="module")
def fitted() -> Matcher:
    """Its trees rest on these tables' own columns: those on few labels lean on what ships, which looks at all rows."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(match_learn, "GROWN", 0)
        patch.setattr(match, "GROWN", 0)
        return Matcher().fit(NORTH, SOUTH, some(PAIRS, np.arange(len(PAIRS)) % 4 != 3), effort="quick")


@pytest.fixture
def reading(fitted: Matcher, monkeypatch: pytest.MonkeyPatch) -> tuple[Matcher, Lengths]:
    """The same matcher with an expert joined that is asked about nearly everything."""
    monkeypatch.setattr(match, "can_read", lambda: True)  # this one needs no packages
    assert fitted.learned_ is not None
    decider, expert = fitted.learned_.decider, Lengths()
    assert decider.own_ is not None
    line = decider.own_.slope, decider.own_.offset
    other = Matcher()
    other.learned_ = replace(fitted.learned_, decider=type(decider).from_trees(decider._portable))
    made = other.learned_.decider
    made.own_, made.facts_, made.held_out_ = decider.own_, decider.facts_, decider.held_out_
    made.join_ = Join(("trees", "lengths"), (line[0], 0.3), line[1] - 1, line, (-8.0, 8.0))
    made.experts_ = {"lengths": expert}
    return other, expert


def context_of(records: Records) -> Candidates:
    """Every pair across the two tables."""
    left, right = np.meshgrid(np.arange(len(NORTH)), np.arange(len(NORTH), len(records)), indexing="ij")
    return Candidates(left.ravel().astype(np.int32), right.ravel().astype(np.int32))


def test_a_copy_with_its_own_value_compares_as_the_record_does() -> None:
    records = records_of([NORTH, SOUTH])
    before = Comparer(records, context_of(records))
    left, right = np.array([3, 0, 10]), np.array([73, 75, 139])
    for row, partner in ((left, right), (right, left)):
        copies = Copies(row, ["title", "maker", "price"], row)
        found = CopyComparer(before, copies, partner).all(own=True)
        wanted = before.own(Candidates(left.astype(np.int32), right.astype(np.int32)))
        assert found.names == wanted.names
        np.testing.assert_allclose(found.values, wanted.values, atol=1e-5)


def test_copies_do_not_count_among_the_values_of_the_tables() -> None:
    left, right = catalogues(30)[:2]
    records = records_of((left, right))
    before = Comparer(records, context_of(records)).attributes[0]
    rows, n = np.zeros(40, np.int64), len(records)
    beside = before.with_copies(rows, np.ones(40, bool))
    assert len(beside.codes) == n + 40
    fresh = Comparer(records, context_of(records)).attributes[0]
    assert (beside.filled, beside.information) == (fresh.filled, fresh.information)
    np.testing.assert_array_equal(beside.frequency, fresh.frequency)


@pytest.mark.parametrize("own", [True, False])
def test_a_changed_copy_compares_nearly_as_tables_with_the_change(own: bool) -> None:
    """Nearly: how rare words are is not counted again, and in 140 rows one value shifts that a little."""
    records = records_of([NORTH, SOUTH])
    before = Comparer(records, context_of(records))
    row, partner, donor = np.array([72, 5]), np.array([3, 90]), np.array([3, -1])
    copies = Copies(row, ["title", "price"], donor)
    found = CopyComparer(before, copies, partner).all(own=own)
    for place, name in enumerate(copies.name):
        changed = Comparer(_with(records, copies, place, name), before.context)
        ends = sorted((int(row[place]), int(partner[place])))
        pair = Candidates(*(np.array([end], np.int32) for end in ends))
        wanted = changed.own(pair) if own else changed.portable(pair)
        assert wanted.names == found.names
        assert np.array_equal(np.isnan(wanted.values[0]), np.isnan(found.values[place]))
        gaps = np.nan_to_num(np.abs(wanted.values[0] - found.values[place]))
        assert gaps.max() < 0.7  # the rarity of a value that stood once and stands twice: log 2
        moved = {wanted.names[i] for i in np.flatnonzero(gaps > 0.03)}
        assert not moved & {"rivals ahead least", "rivals ahead most", "rivals as close", "percentile", "agreeing"}
        assert all(any(word in n for word in ("row", "shared", "codes", "lead", "odds", "rarity")) for n in moved)


def _with(records: Records, copies: Copies, place: int, name: str) -> Records:
    """The records with one copy in place of what it was copied from."""
    cells = records.text[name].to_pylist()
    cells[copies.row[place]] = None if copies.donor[place] < 0 else cells[copies.donor[place]]
    column = records.text.column_names.index(name)
    return replace(records, text=records.text.set_column(column, name, pa.array(cells, pa.string())))


def test_contributions_sum_to_the_score_and_nothing_is_read_twice(reading: tuple[Matcher, Lengths]) -> None:
    matcher, expert = reading
    scored = matcher.predict(NORTH, SOUTH, ASKED)
    before = len(expert.read)
    found = matcher.explain(NORTH, SOUTH, ASKED)
    assert scored.score is not None
    for one, score in zip(found, scored.score, strict=True):
        assert 1 / (1 + np.exp(-log_odds(one.explanation))) == pytest.approx(score, abs=1e-6)
    assert any(e.name == "(read as a whole)" and abs(e.importance) > 0.1 for e in found[0].explanation.evidence)
    reads = expert.read[before:]
    assert len(reads) <= 2  # the decisions were read before; changes are read in at most two goes
    assert sum(reads) <= 2 * len(ASKED)


def test_what_is_said_of_a_change_was_scored(reading: tuple[Matcher, Lengths]) -> None:
    matcher, _ = reading
    found = matcher.explain(NORTH, SOUTH, ASKED)
    tried = [one for one in found if one.change is not None and one.change.side is not None]
    assert len(tried) >= 5
    assert {one.match for one in tried} == {True, False}
    for one in [*tried[:2], *tried[-2:]]:
        change = one.change
        assert change is not None
        assert (change.score >= found.threshold) != one.match
        score = _score_with(matcher, one.left_id, one.right_id, change)
        assert (score >= found.threshold) != one.match
        assert score == pytest.approx(change.score, abs=0.12)


def _score_with(matcher: Matcher, left: str, right: str, change: Any) -> float:
    """The score of a pair after the change was written into the table."""
    tables: list[Any] = [NORTH, SOUTH]
    side = 0 if change.side == "left" else 1
    table, row = tables[side], tables[side].ids.to_pylist().index((left, right)[side])
    column = table.data.column_names[{"title": 1, "maker": 2, "price": 3}[change.name]]
    cells = table.data[column].to_pylist()
    assert cells[row] == change.before
    cells[row] = change.after
    place = table.data.column_names.index(column)
    tables[side] = replace(table, data=table.data.set_column(place, column, pa.array(cells, pa.string())))
    scored = matcher.predict(*tables, Pairs(pa.array([left]), pa.array([right])))
    assert scored.score is not None
    return float(scored.score[0])


def test_explaining_one_pair_gives_what_explaining_many_gives(reading: tuple[Matcher, Lengths]) -> None:
    matcher, _ = reading
    many = matcher.explain(NORTH, SOUTH, ASKED)
    for place in (0, 7, 20):
        (one,) = matcher.explain(NORTH, SOUTH, some(ASKED, np.array([place])))
        assert one.explanation.score == pytest.approx(many[place].explanation.score, abs=1e-6)
        assert _told(one.change) == _told(many[place].change)


def _told(change: Any) -> Sequence[Any] | None:
    return None if change is None else (change.name, change.side, change.before, change.after)
