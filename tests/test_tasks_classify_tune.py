"""The upper rungs of the classifier's ladder, on a tiny network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from made_network import save_tiny  # noqa: E402

from dovetail.encoders.layered import LayeredEncoder  # noqa: E402
from dovetail.errors import InputError, UnknownName  # noqa: E402
from dovetail.tasks.classify import Classifier  # noqa: E402
from dovetail.tasks.classify_head import Head  # noqa: E402
from dovetail.tasks.classify_options import ClassifyOptions  # noqa: E402
from dovetail.tasks.classify_tune import HeldOut, Plan, spread, unheard  # noqa: E402
from dovetail.training.classes import ClassTuning, tune_classes  # noqa: E402
from dovetail.training.optimizers import OPTIMIZERS, load_optimizer  # noqa: E402
from dovetail.training.settings import TuneSettings  # noqa: E402
from dovetail.types import finish  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")
ADJECTIVES = ["red", "blue", "big", "small", "old", "new", "fast", "slow"]
NOUNS = ["drill", "saw", "lamp", "kettle", "hose", "printer"]
TEXTS = [f"{a} {n} {b}" for n in NOUNS for a in ADJECTIVES for b in ADJECTIVES[:4]]
LABELS = ["tools" if n in ("drill", "saw", "hose") else "house" for n in NOUNS for _ in range(32)]
TARGETS = np.stack([[x == "house" for x in LABELS], [x == "tools" for x in LABELS]], axis=1).astype(np.float32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("tiny"), [*ADJECTIVES, *NOUNS, *"abcdefgh"])


@pytest.mark.parametrize(
    "tuning",
    [ClassTuning("contrast"), ClassTuning("head"), ClassTuning("head", "focal"), ClassTuning("head", several=True)],
    ids=lambda t: f"{t.way} {t.loss}" + (" several" if t.several else ""),
)
def test_every_way_brings_classes_together(folder: Path, tuning: ClassTuning) -> None:
    settings = TuneSettings(learning_rate=3e-3, epochs=6, batch=24, dropout=0.0)
    made = finish(tune_classes(folder, TEXTS, TARGETS, tuning, settings))
    vectors = made.encoder.encode(TEXTS)
    own = TARGETS @ TARGETS.T > 0
    cosine = vectors @ vectors.T
    assert cosine[own].mean() > cosine[~own].mean() + 0.2
    assert made.done.steps == 48
    assert (made.head is None) == (tuning.way == "contrast")


def test_a_head_learnt_with_the_encoder_reads_the_vectors_of_its_layers(folder: Path, tmp_path: Path) -> None:
    settings = TuneSettings(learning_rate=3e-3, epochs=3, batch=24, dropout=0.0, head_rate=1e-1)
    made = finish(tune_classes(folder, TEXTS, TARGETS, ClassTuning("head"), settings))
    assert made.head is not None
    made.encoder.save(tmp_path / "tuned")
    scores = LayeredEncoder(tmp_path / "tuned").encode(TEXTS) @ made.head[0] + made.head[1]
    assert (scores.argmax(axis=1) == TARGETS.argmax(axis=1)).mean() > 0.95


def test_rows_count_as_much_as_their_weight(folder: Path) -> None:
    settings = TuneSettings(learning_rate=3e-3, epochs=2, batch=24, dropout=0.0, head_rate=1e-1)
    weight = np.where(TARGETS[:, 0] > 0, 1.0, 0.0).astype(np.float32)
    for loss in ("cross-entropy", "focal"):
        made = finish(tune_classes(folder, TEXTS, TARGETS, ClassTuning("head", loss, weight=weight), settings))
        assert made.head is not None
        assert made.head[1][0] > made.head[1][1]  # only one class counts


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_moves_weights_to_where_the_loss_is_low(name: str) -> None:
    weight = torch.nn.Parameter(torch.tensor([[3.0, -2.0], [0.5, 4.0]]))
    group = {"params": [weight], "lr": 0.02 if name == "sgd" else 0.1}
    mover = load_optimizer(name, [group], 0.0)
    for _ in range(60):
        mover.zero_grad()
        weight.square().sum().backward()
        mover.step()
    assert weight.square().sum() < 7  # 29.25 at the start
    with pytest.raises(UnknownName, match="did you mean 'adamw'"):
        TuneSettings(optimizer="adamw2")


def test_held_rows_say_when_to_stop(folder: Path) -> None:
    settings = TuneSettings(learning_rate=3e-3, epochs=8, batch=24, dropout=0.0, patience=1)
    held = tuple(range(0, len(TEXTS), 8))
    wrong = TARGETS.copy()
    wrong[list(held)] = wrong[list(held), ::-1]  # what is learnt makes these worse
    done = finish(tune_classes(folder, TEXTS, wrong, ClassTuning("head", held=held), settings)).done
    assert done.ended == "no gain on held-out labels in 1 checks"
    assert done.steps < 8 * 7
    assert [step for step, _ in done.scores] == [7 * (i + 1) for i in range(len(done.scores))]


def test_keeping_all_of_the_start_changes_nothing(folder: Path) -> None:
    before = LayeredEncoder(folder).encode(TEXTS[:5])[:, -LayeredEncoder(folder).base.dimensions :]
    settings = TuneSettings(learning_rate=3e-3, epochs=1, batch=24)
    made = finish(tune_classes(folder, TEXTS, TARGETS, ClassTuning("head", keep=1.0), settings))
    np.testing.assert_allclose(made.encoder.encode(TEXTS[:5]), before * 2, atol=2e-2)


def test_the_ladder_reports_the_tuned_rung_and_keeps_its_encoder(folder: Path, tmp_path: Path) -> None:
    made = Classifier(folder).fit(
        TEXTS[::2], LABELS[::2], layers="all", epochs=2, learning_rate=3e-3, folds=3, dropout=0.0
    )
    assert [r["name"] for r in made.card["rungs"]] == ["words", "vectors", "joined", "tuned"]
    assert made.evaluate(TEXTS[1::2], LABELS[1::2]).accuracy.value > 0.9
    made.save(tmp_path / "m")
    again = Classifier.load(tmp_path / "m")
    np.testing.assert_allclose(again.predict_proba(TEXTS[:6]), made.predict_proba(TEXTS[:6]), atol=1e-4)


def test_a_tuned_encoder_lies_inside_the_model(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dovetail.tasks import classify_fit

    real = classify_fit.simplest_of_the_best
    monkeypatch.setattr(
        classify_fit,
        "simplest_of_the_best",
        lambda rungs, few=False: (rungs[-1], "as asked") if rungs[-1].name == "tuned" else real(rungs),
    )
    order = np.random.default_rng(0).permutation(len(TEXTS)).tolist()
    seen = order[:96]
    made = Classifier(folder).fit(
        [TEXTS[i] for i in seen],
        [LABELS[i] for i in seen],
        layers="all",
        epochs=1,
        learning_rate=3e-3,
        folds=3,
        dropout=0.0,
    )
    assert made.card["chosen"] == "tuned"
    unseen = finish(made.decide_job([TEXTS[i] for i in order[96:]])).outside
    assert unseen is not None
    assert (unseen > 0.5).mean() < 0.1  # the line to what lies outside is drawn by texts that were not learnt from
    made.save(tmp_path / "m")
    assert (tmp_path / "m" / "encoder" / "model.safetensors").is_file()
    expected = made.predict_proba(TEXTS[:6])
    again = Classifier.load(tmp_path / "m")
    np.testing.assert_allclose(again.predict_proba(TEXTS[:6]), expected, atol=1e-4)
    again.save(tmp_path / "m")
    done = again.update(["green cat", "green dog", "green bird"] * 3, ["animals"] * 9)
    assert done.after.encoder == "encoder"


def test_nothing_is_tuned_unasked(folder: Path) -> None:
    made = Classifier(folder).fit(TEXTS[::2], LABELS[::2])
    assert "tuned" not in [r["name"] for r in made.card["rungs"]]
    with pytest.raises(InputError, match="choose layered"):
        Classifier("static").fit(TEXTS[::2], LABELS[::2], layers="top-1")
    idle = Classifier(folder).fit(TEXTS[::2], LABELS[::2], epochs=3, loss="focal")
    assert "no encoder was tuned, so these options changed nothing: loss, epochs" in idle.card["notes"]


def test_options_that_tuning_cannot_heed_are_said() -> None:
    plan = Plan("contrast", "all", 1.0, 1e-4, 0.0, (0,), 2)
    head = replace(plan, way="head")
    assert not unheard(plan, ClassifyOptions(), 500)
    assert not unheard(head, ClassifyOptions(patience=2, loss="focal"), 500)
    said = unheard(plan, ClassifyOptions(patience=2, loss="focal", smoothing=0.1), 500)
    assert [one.split(":")[0] for one in said] == ["patience", "loss", "smoothing"]
    assert "60 labels are too few" in unheard(head, ClassifyOptions(patience=2), 60)[0]
    assert "one label a text" in unheard(replace(head, several=True), ClassifyOptions(loss="contrastive"), 500)[0]


def test_a_head_is_made_as_sure_as_the_one_that_was_calibrated() -> None:
    random = np.random.default_rng(0)
    vectors, head = random.normal(size=(50, 8)).astype(np.float32), Head(np.eye(8, 3, dtype=np.float32), np.zeros(3))
    judged = HeldOut(np.arange(3), np.zeros(3), spread(head.scores(vectors)))
    louder = Head(4 * head.weight, 4 * head.bias)
    np.testing.assert_allclose(judged.as_wide(louder, vectors).weight, head.weight, atol=1e-6)
