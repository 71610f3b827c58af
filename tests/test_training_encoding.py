"""An encoder is tuned on labels of each shape, stays an encoder, and is saved as one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from made_network import save_tiny  # noqa: E402

from dovetail.encoders.transformer import TransformerEncoder  # noqa: E402
from dovetail.training import encoding, sampling  # noqa: E402
from dovetail.training.checkpoint import Checkpoint  # noqa: E402
from dovetail.training.encoding import Lesson, TunableEncoder, agree, answer, contrast, tune_encoder  # noqa: E402
from dovetail.training.settings import TuneSettings  # noqa: E402
from dovetail.types import finish  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")
ADJECTIVES = ["red", "blue", "big", "small", "old", "new", "fast", "slow"]
NOUNS = ["drill", "saw", "lamp", "kettle", "hose", "printer", "table", "chair", "bottle", "guitar"]
TEXTS = [f"{a} {n}" for n in NOUNS for a in ADJECTIVES]  # the noun says what a thing is
NOUN = np.repeat(np.arange(len(NOUNS)), len(ADJECTIVES))
SETTINGS = TuneSettings(learning_rate=3e-3, epochs=6, batch=24, dropout=0.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("tiny"), [*ADJECTIVES, *NOUNS, *"abcdefgh"])


def tuned(folder: Path, lesson: Lesson, texts: list[str] = TEXTS, settings: TuneSettings = SETTINGS) -> TunableEncoder:
    encoder = TunableEncoder(folder)
    finish(tune_encoder(encoder, texts, lesson, settings))
    return encoder


def same_nouns_nearest(encoder: Any) -> float:
    """How often the nearest other text has the same noun."""
    vectors = encoder.encode(TEXTS)
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -2)
    return float((NOUN[cosines.argmax(1)] == NOUN).mean())


def by_groups(settings: TuneSettings) -> Lesson:
    return contrast(sampling.from_groups(NOUN), settings)


def by_classes(settings: TuneSettings) -> Lesson:
    return contrast(sampling.from_classes(NOUN), settings, classes=True)


def by_pairs(settings: TuneSettings) -> Lesson:
    one, other = np.random.default_rng(0).integers(0, len(TEXTS), (2, 300))
    return agree(one, other, (NOUN[one] == NOUN[other]).astype(float), settings)


def by_judgements(settings: TuneSettings) -> Lesson:
    """Each text asks for others with its noun, and not for those with its adjective."""
    random = np.random.default_rng(0)
    query = np.repeat(np.arange(len(TEXTS)), 6)
    right = [random.choice(np.setdiff1d(np.flatnonzero(NOUN[q] == NOUN), [q]), 3, False) for q in range(len(TEXTS))]
    wrong = [(q + 8 * random.choice(np.arange(1, 10), 3, False)) % len(TEXTS) for q in range(len(TEXTS))]
    document = np.concatenate([np.concatenate([r, w]) for r, w in zip(right, wrong, strict=True)])
    return answer(sampling.from_judgements(query, document, np.tile([1, 1, 1, 0, 0, 0], len(TEXTS))), settings)


# an encoder as any other


def test_it_reads_as_the_encoder_that_it_starts_from(folder: Path) -> None:
    start, encoder = TransformerEncoder(folder), TunableEncoder(folder)
    texts = [*TEXTS[:20], "", "red " * 30]
    expected, found = start.encode(texts), encoder.encode(texts)
    assert found.shape == (22, encoder.dimensions)
    assert found.dtype == np.float32
    assert (expected * found).sum(1)[:20].min() > 0.999
    assert not found[20].any()
    np.testing.assert_allclose(np.linalg.norm(found[:20], axis=1), 1, atol=1e-5)


def test_a_batch_reads_as_each_text_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding, "_ROWS", 3)
    encoder = TunableEncoder(folder).eval()
    tokens = encoder.start.tokens(["red drill", "saw", "big old lamp", "a b c d e", "new", "slow chair", "h"])
    together = encoder(tokens)
    alone = torch.cat([encoder([one]) for one in tokens])
    torch.testing.assert_close(together, alone, atol=0.03, rtol=0.03)


def test_lost_spans_only_while_training(folder: Path) -> None:
    encoder = TunableEncoder(folder, cut=0.9)
    tokens = encoder.start.tokens(["a b c d e f g h"] * 8)
    assert len({tuple(row) for row in encoder.eval()(tokens).tolist()}) == 1
    encoder.train()
    encoder.network.eval()  # no dropout: what differs are the spans
    torch.manual_seed(0)
    assert len({tuple(row) for row in encoder(tokens).tolist()}) > 3
    for seed in range(20):
        torch.manual_seed(seed)
        short = encoding._without_span(tokens[0])
        assert 1 <= len(tokens[0]) - len(short) <= 4
        assert (short[0], short[-1]) == (101, 102)
    assert encoding._without_span([101, 5, 102]) == [101, 5, 102]


# tuning


@pytest.mark.parametrize("lesson", [by_groups, by_classes, by_pairs, by_judgements])
def test_labels_of_every_shape_bring_like_together(folder: Path, lesson: Callable[[TuneSettings], Lesson]) -> None:
    assert same_nouns_nearest(TunableEncoder(folder)) < 0.5
    assert same_nouns_nearest(tuned(folder, lesson(SETTINGS))) > 0.9


@pytest.mark.parametrize("layers", ["top-1", "lora"])
def test_some_layers_are_enough(folder: Path, layers: str) -> None:
    settings = replace(SETTINGS, layers=layers, learning_rate=1e-2)
    encoder = tuned(folder, by_groups(settings), settings=settings)
    assert same_nouns_nearest(encoder) > 0.8
    assert not any("lora" in name for name in encoder.state_dict())


def test_graded_pairs_follow_their_grades(folder: Path) -> None:
    """Same noun and colour 2, same noun 1, neither 0; unsure pairs are not read."""
    from scipy.stats import spearmanr

    one, other = np.random.default_rng(0).integers(0, len(TEXTS), (2, 600))
    grade = (NOUN[one] == NOUN[other]).astype(float) + (one == other)
    grade[:50] = -1
    encoder = tuned(folder, agree(one, other, grade, SETTINGS))
    vectors = encoder.encode(TEXTS)
    cosines = (vectors[one] * vectors[other]).sum(1)
    assert spearmanr(cosines[50:], grade[50:]).statistic > 0.45
    assert cosines[grade == 1].mean() > cosines[grade == 0].mean() + 0.3


def test_one_seed_one_encoder(folder: Path) -> None:
    short = replace(SETTINGS, epochs=1)
    one, same, other = (tuned(folder, by_groups(s), settings=s) for s in (short, short, replace(short, seed=1)))
    assert one.fingerprint == same.fingerprint
    assert len({one.fingerprint, other.fingerprint, TunableEncoder(folder).fingerprint}) == 3


def test_the_best_on_held_out_labels_is_kept(folder: Path) -> None:
    encoder = TunableEncoder(folder)
    done = finish(
        tune_encoder(encoder, TEXTS, by_groups(SETTINGS), SETTINGS, validate=lambda: same_nouns_nearest(encoder))
    )
    assert done.best == same_nouns_nearest(encoder)


def test_a_checkpoint_goes_with_its_recipe(folder: Path, tmp_path: Path) -> None:
    encoder = TunableEncoder(folder)
    job = tune_encoder(encoder, TEXTS, by_groups(SETTINGS), SETTINGS, checkpoint=Checkpoint(tmp_path / "run"))
    assert finish(job).steps > 10
    assert not list(tmp_path.glob("run/*"))


def test_saved_as_a_folder_that_others_read(folder: Path, tmp_path: Path) -> None:
    encoder = tuned(folder, by_groups(replace(SETTINGS, epochs=1)))
    encoder.save(tmp_path / "tuned")
    again = TunableEncoder(tmp_path / "tuned")
    np.testing.assert_allclose(again.encode(TEXTS), encoder.encode(TEXTS), atol=1e-5)
    assert again.fingerprint == encoder.fingerprint
    assert (TransformerEncoder(tmp_path / "tuned").encode(TEXTS) * encoder.encode(TEXTS)).sum(1).min() > 0.999
    assert (tmp_path / "tuned" / "modules.json").is_file()
