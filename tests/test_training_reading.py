"""A cross-encoder learns from pairs, by every choice of layers, and goes on after a kill."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from made_network import save_tiny  # noqa: E402

from dovetail.encoders.cross import CrossEncoder  # noqa: E402
from dovetail.encoders.reading import Passage  # noqa: E402
from dovetail.training import loop  # noqa: E402
from dovetail.training.checkpoint import Checkpoint  # noqa: E402
from dovetail.training.reading import read_pairs_job  # noqa: E402
from dovetail.training.settings import TuneSettings  # noqa: E402
from dovetail.types import finish  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")
SETTINGS = TuneSettings(learning_rate=3e-3, head_rate=1e-2, epochs=4, batch=16, dropout=0.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("tiny"), [f"w{i}" for i in range(30)])


def pairs(n: int = 160, seed: int = 0) -> tuple[list[Passage], list[Passage], np.ndarray]:
    """Pairs of ten words; matches share most of them."""
    random = np.random.default_rng(seed)
    left = random.integers(103, 133, (n, 10))
    label = random.integers(0, 2, n)
    same = (random.random((n, 10)) < 0.8) & (label[:, None] == 1)
    right = np.where(same, left, random.integers(103, 133, (n, 10)))
    one, other = ([passage(row) for row in side] for side in (left, right))
    return one, other, label.astype(np.float32)


def passage(tokens: np.ndarray) -> Passage:
    return Passage(tokens.astype(np.int32), (tokens - 103).astype(np.int32), np.zeros(len(tokens), np.int8))


def accuracy(cross: CrossEncoder) -> float:
    left, right, label = pairs(seed=9)
    logits = np.zeros(len(label))
    for rows, values in cross.logits(left, right):
        logits[rows] = values
    return float(((logits > 0) == (label == 1)).mean())


@pytest.mark.parametrize("layers", ["all", "top-1", "head", "lora"])
def test_it_learns_to_compare(folder: Path, layers: str) -> None:
    cross = CrossEncoder(folder, seed=0)
    words = cross.reader.network.get_input_embeddings().weight.clone()
    names = list(cross.reader.state_dict())
    finish(read_pairs_job(cross, *pairs(), replace(SETTINGS, layers=layers)))
    assert accuracy(cross) > 0.85
    assert torch.equal(cross.reader.network.get_input_embeddings().weight, words)
    assert list(cross.reader.state_dict()) == names


def test_a_killed_run_ends_as_if_it_had_not_been(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "_SAVE_EVERY", 0.0)
    monkeypatch.setattr(loop, "_EVERY", 0.0)
    whole, half, rest = (CrossEncoder(folder, seed=0) for _ in range(3))
    finish(read_pairs_job(whole, *pairs(), SETTINGS))
    job = read_pairs_job(half, *pairs(), SETTINGS, checkpoint=Checkpoint(tmp_path))
    while next(job).done < 17:
        pass
    job.close()
    finish(read_pairs_job(rest, *pairs(), SETTINGS, checkpoint=Checkpoint(tmp_path)))
    expected, found = whole.reader.state_dict(), rest.reader.state_dict()
    assert all(torch.equal(expected[name], found[name]) for name in expected)
