from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from dovetail.errors import InputError
from dovetail.explain.clusters import cohesion, weakest_clusters
from dovetail.types import Candidates, Clusters, Decisions


@pytest.fixture
def decided():
    """Two tight pairs, 0-1 and 2-3, joined by the doubtful 1-2; 4-5 sure; 6 alone; 0-6 refused."""
    pairs = Candidates(np.array([0, 0, 1, 2, 4], np.int32), np.array([1, 6, 2, 3, 5], np.int32))
    decisions = Decisions(pairs, np.array([0.97, 0.1, 0.55, 0.9, 0.99]), 0.5, 0.3, 0.7, "made up")
    clusters = Clusters(np.array([0, 0, 0, 0, 1, 1, 2], np.int32), pa.array(["a", "b", "c"]), "connected", "")
    return clusters, decisions


def test_weakest_link_and_the_parts_it_joins(decided):
    found = cohesion(*decided, 0)
    assert found.members == (0, 1, 2, 3)
    assert (found.pairs, found.possible) == (3, 6)
    assert found.mean_score == pytest.approx((0.97 + 0.55 + 0.9) / 3)
    assert (found.weakest.left, found.weakest.right, found.weakest.score) == (1, 2, pytest.approx(0.55))
    assert found.parts == ((0, 1), (2, 3))


def test_a_chain_around_the_doubtful_pair_makes_it_harmless():
    pairs = Candidates(np.array([0, 0, 1], np.int32), np.array([1, 2, 2], np.int32))
    decisions = Decisions(pairs, np.array([0.9, 0.2, 0.8]), 0.5, 0.3, 0.7, "made up")
    clusters = Clusters(np.zeros(3, np.int32), pa.array(["a"]), "connected", "")
    found = cohesion(clusters, decisions, 0)
    assert found.weakest.score == pytest.approx(0.8)
    assert found.parts == ((0, 1), (2,))


def test_one_record_alone(decided):
    found = cohesion(*decided, 2)
    assert (found.members, found.weakest, found.parts, found.mean_score) == ((6,), None, None, 1.0)


def test_unknown_entity(decided):
    with pytest.raises(InputError, match="no entity number 7; these results hold 3"):
        cohesion(*decided, 7)


def test_weakest_first(decided):
    assert [c.cluster for c in weakest_clusters(*decided)] == [0, 1]
    assert [c.cluster for c in weakest_clusters(*decided, most=1)] == [0]
