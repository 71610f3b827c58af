"""`Embedder`: labels reshape a space, nothing is made worse, and the space is an encoder with a version."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from dovetail.encoders.base import load_encoder
from dovetail.errors import InputError, UnknownName
from dovetail.tasks.embed import Embedder, leading
from dovetail.tasks.embed_classes import ClassSettings, class_head, said_by_names
from dovetail.tasks.embed_head import HEADS, ClassHead, PlainHead, SkipHead, load_head, unit
from dovetail.tasks.embed_linear import logistic, one_hot
from dovetail.tasks.embed_pairs import held_out_pairs, shares
from dovetail.tasks.embed_scores import probe_accuracy, same_class, space_scores
from dovetail.tasks.embed_tune import agreement_with, mean_on, proof_of
from dovetail.tasks.search import Searcher

ENCODER = load_encoder("static")
TRAIN = importlib.util.find_spec("torch") is not None


class Noisy:
    """Texts `class number`: the vector says the class faintly, and something else loudly."""

    dimensions, fingerprint = 24, "noisy"

    def encode(self, texts: list[str]) -> np.ndarray:
        rows = []
        for text in texts:
            kind, number = text.split()
            random = np.random.default_rng(int(number))
            vector = np.zeros(24)
            vector["abc".index(kind)] = 0.9
            vector[4:] = random.normal(scale=0.35, size=20)
            rows.append(vector)
        return unit(np.array(rows)) if rows else np.zeros((0, 24), np.float32)


def texts_of(start: int, count: int) -> tuple[list[str], list[str]]:
    kinds = ["abc"[i % 3] for i in range(count)]
    return [f"{kind} {start + i}" for i, kind in enumerate(kinds)], kinds


@pytest.fixture(scope="module")
def space() -> Embedder:
    return Embedder(encoder=Noisy()).fit(*texts_of(0, 150))


def test_labels_bring_a_class_together_on_texts_never_seen(space: Embedder) -> None:
    scores = space.evaluate(*texts_of(1000, 300))
    before, after = scores["before"], scores["after"]
    assert after.top_25.value > before.top_25.value + 0.05
    assert after.r_precision.value > before.r_precision.value + 0.1
    assert after.r_precision.low > before.r_precision.high
    assert after.separation > before.separation
    assert after.probe >= before.probe - 0.02
    assert space.facts_["why"].startswith("neighbours of the same class on held-out labels")


def test_labels_without_meaning_change_nothing() -> None:
    random = np.random.default_rng(0)
    texts, _ = texts_of(0, 120)
    labels = random.choice(["x", "y"], 120).tolist()
    plain = Embedder(encoder=Noisy()).fit(texts, labels)
    moved = np.abs(plain.encode(texts) @ plain.encode(texts).T - Noisy().encode(texts) @ Noisy().encode(texts).T)
    assert plain.kind_ == "none" or moved.mean() < 0.25


def test_names_that_mean_something_help_where_labels_are_few() -> None:
    sport = [
        "the striker scored twice",
        "a marathon in the rain",
        "she won the tennis final",
        "the goalkeeper was hurt",
    ]
    food = ["bake the bread slowly", "a soup of lentils", "roast garlic with butter", "the cake needs sugar"]
    texts, kinds = [*sport, *food], ["sports"] * 4 + ["cooking"] * 4
    few = [kind if place in (0, 4) else None for place, kind in enumerate(kinds)]
    named = Embedder(encoder="static").fit(texts, few).evaluate(texts, kinds)["after"]
    numbered = Embedder(encoder="static").fit(texts, [k and str(len(k)) for k in few]).evaluate(texts, kinds)["after"]
    assert named.r_precision.value > numbered.r_precision.value
    said = said_by_names(ENCODER, ["sports", "cooking"])
    assert said is not None
    assert (ENCODER.encode(["football match"]) @ said).argmax() == 0
    assert said_by_names(ENCODER, ["1", "2"]) is None


def test_many_labels_that_slip_alike_are_doubted() -> None:
    texts, kinds = texts_of(0, 1_500)
    vectors = Noisy().encode(texts)
    truth = np.array(["abc".index(kind) for kind in kinds])
    slipped = np.where((truth == 0) & (vectors[:, 6] > 0.15), 1, truth)  # a rule that looks at something else
    asked = Noisy().encode(texts_of(5_000, 300)[0])
    told = [class_head(vectors, slipped, ClassSettings(doubt=doubt)).probabilities(asked) for doubt in (0.25, 0.0)]
    right = [float((found.argmax(axis=1) == np.arange(300) % 3).mean()) for found in told]
    assert right[0] > right[1]
    few = [class_head(vectors[:90], slipped[:90], ClassSettings(doubt=doubt)).weights for doubt in (0.25, 0.0)]
    np.testing.assert_array_equal(*few)


def test_texts_without_label_help() -> None:
    texts, kinds = texts_of(0, 12)
    more, _ = texts_of(100, 200)
    alone = Embedder(encoder=Noisy()).fit(texts, kinds)
    joined = Embedder(encoder=Noisy()).fit([*texts, *more], [*kinds, *[None] * len(more)])
    asked = texts_of(1000, 300)
    assert "too few to check" in alone.facts_["why"]
    assert joined.evaluate(*asked)["after"].r_precision.value > alone.evaluate(*asked)["after"].r_precision.value


def test_grades_as_shares() -> None:
    grades = np.r_[np.linspace(1, 5, 99), 900]  # one slip of a key
    found = shares(grades)
    assert found.min() == 0
    assert found.max() == 1
    assert found[49] == pytest.approx(0.5, abs=0.01)
    np.testing.assert_array_equal(shares(np.r_[np.zeros(500), 1]), np.r_[np.zeros(500), 1])
    assert (np.diff(found) >= 0).all()


@pytest.mark.skipif(not TRAIN, reason="graded pairs need the extra [train]")
def test_grades_that_are_no_numbers_or_prove_nothing_move_nothing() -> None:
    left, right = texts_of(0, 60)[0], texts_of(7000, 60)[0]
    space, grades = Embedder(encoder=Noisy()), [float(n % 3) for n in range(60)]
    with pytest.raises(InputError, match="the grade of pair 4 is nan"):
        space.fit_pairs(left, right, [*grades[:3], float("nan"), *grades[4:]])
    asked, taught = held_out_pairs(60, 0)
    alike = np.ones(60)
    alike[taught[0]] = 2.0  # nothing that is held out differs
    assert space.fit_pairs(left, right, alike.tolist()).kind_ == "none"
    with pytest.raises(InputError, match="the grade of pair 1 is inf"):
        space.evaluate_pairs(left[:2], right[:2], [float("inf"), 1.0])
    assert len(asked) == 12


@pytest.mark.skipif(not TRAIN, reason="graded pairs need the extra [train]")
def test_graded_pairs() -> None:
    left, kinds = texts_of(0, 300)
    right, other = texts_of(7000, 301)[0][1:], texts_of(7000, 301)[1][1:]
    pairs = list(zip(left, right, strict=True))
    right = [r if i % 2 else f"{kinds[i]} {9000 + i}" for i, (_, r) in enumerate(pairs)]
    grades = [5.0 if r.split()[0] == k else 1.0 for k, r in zip(kinds, right, strict=True)]
    assert len(other) == 300
    space = Embedder(encoder=Noisy()).fit_pairs(left, right, grades)
    assert space.kind_ == "skip"
    before, after = (float(part.split()[0]) for part in space.facts_["why"].split(": ")[1].split(", "))
    assert after > before + 0.03
    few = Embedder(encoder=Noisy()).fit_pairs(left[:10], right[:10], grades[:10])
    assert few.kind_ == "none"


def test_a_space_is_saved_with_its_version(space: Embedder, tmp_path: Path) -> None:
    space.save(tmp_path / "space")
    again = Embedder.load(tmp_path / "space", encoder=Noisy())
    texts, _ = texts_of(0, 9)
    np.testing.assert_array_equal(again.encode(texts), space.encode(texts))
    assert again.fingerprint == space.fingerprint != Embedder(encoder=Noisy()).fingerprint
    assert again.explain("a 5000", 3) == space.explain("a 5000", 3)
    assert {p.label for p in space.explain("a 5000", 3)} == {"a"}
    with pytest.raises(InputError, match="was made for the encoder Noisy"):
        Embedder.load(tmp_path / "space", encoder=ENCODER)


def test_a_searcher_knows_the_version_of_its_space(tmp_path: Path) -> None:
    words = ["red apple", "green apple", "fast car", "slow car"] * 20
    labels = ["fruit", "fruit", "traffic", "traffic"] * 20
    space = Embedder(encoder=ENCODER).fit(words, labels)
    goods = Searcher(encoder=space).fit([{"id": str(i), "text": w} for i, w in enumerate(words[:4])])
    assert goods.search("lorry", 2)[0].id in ("2", "3")
    goods.save(tmp_path / "goods")
    assert Searcher.load(tmp_path / "goods", encoder=space).search("lorry", 2)[0].id in ("2", "3")
    with pytest.raises(InputError, match="indexed with the encoder Embedder"):
        Searcher.load(tmp_path / "goods", encoder=ENCODER).search("lorry")


def test_dimensions_can_be_cut(space: Embedder) -> None:
    texts, kinds = texts_of(0, 150)
    small = Embedder(encoder=Noisy(), dimensions=8).fit(texts, kinds)
    assert small.encode(texts[:3]).shape == (3, 8)
    np.testing.assert_allclose(np.linalg.norm(small.encode(texts), axis=1), 1, atol=1e-5)
    assert set(space.prices(*texts_of(1000, 150))) == {27}
    full = space.encode(texts)
    cut = unit(full @ leading(full, 12))
    assert np.abs(cut @ cut.T - full @ full.T).mean() < 0.12
    with pytest.raises(InputError, match="99 dimensions"):
        leading(full, 99)


def test_maps_are_stable_and_part_the_classes(space: Embedder) -> None:
    texts, kinds = texts_of(0, 90)
    more, _ = texts_of(400, 30)
    first = space.project(texts, kinds, method="classes")
    both = space.project([*texts, *more], method="classes")
    np.testing.assert_allclose(both[:90], first)
    centres = np.stack([first[[k == c for k in kinds]].mean(axis=0) for c in "abc"])
    nearest = ((first[:, None] - centres[None]) ** 2).sum(axis=2).argmin(axis=1)
    assert np.mean(nearest == np.array(["abc".index(k) for k in kinds])) > 0.95
    assert space.project(texts).shape == (90, 2)
    with pytest.raises(UnknownName, match="no map 'tsne'"):
        space.project(texts, method="tsne")


@pytest.mark.parametrize("name", sorted(HEADS))
def test_heads_start_from_the_vectors(name: str) -> None:
    random = np.random.default_rng(0)
    vectors = unit(random.normal(size=(20, 6)))
    made = {
        "none": PlainHead(),
        "skip": SkipHead(vectors[:4].T.copy(), np.zeros(4, np.float32), np.zeros((4, 6), np.float32)),
        "classes": ClassHead(vectors[:3].T.copy(), np.zeros(3, np.float32), np.zeros(1, np.float32)),
    }[name]
    moved = made(vectors)
    np.testing.assert_allclose(moved @ moved.T, vectors @ vectors.T, atol=1e-6)
    again = load_head(name, made.tensors())
    np.testing.assert_array_equal(again(vectors), moved)
    assert not made(np.zeros((1, 6), np.float32)).any()


def test_shares_of_the_same_class_by_hand() -> None:
    angles = np.array([0.0, 0.1, 0.25, 2.0, 2.1])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    labels = np.array([0, 0, 1, 1, 1])
    asked = np.arange(5)
    assert same_class(vectors, labels, asked, 1).tolist() == [1, 1, 0, 1, 1]
    assert same_class(vectors, labels, asked, 2).tolist() == [0.5, 0.5, 0, 1, 1]
    assert same_class(vectors, labels, asked, None).tolist() == [1, 1, 0, 1, 1]


def test_logistic_agrees_with_scikit_learn() -> None:
    linear = pytest.importorskip("sklearn.linear_model")
    random = np.random.default_rng(3)
    vectors = random.normal(size=(80, 5)).astype(np.float32)
    labels = (vectors[:, 0] > 0).astype(int) + (vectors[:, 1] > 0.5)
    weights, bias = logistic(vectors, one_hot(labels), 2.0)
    logits = vectors @ weights + bias
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    other = linear.LogisticRegression(C=2.0, max_iter=2000, tol=1e-8).fit(vectors, labels).predict_proba(vectors)
    np.testing.assert_allclose(odds / odds.sum(axis=1, keepdims=True), other, atol=2e-3)
    assert probe_accuracy(vectors, labels) > 0.65


def test_bad_input() -> None:
    with pytest.raises(InputError, match="2 texts and 1 labels"):
        Embedder(encoder=ENCODER).fit(["a", "b"], ["x"])
    with pytest.raises(InputError, match="1 classes"):
        Embedder(encoder=ENCODER).fit(["a", "b"], ["x", None])
    with pytest.raises(InputError, match="with different grades"):
        Embedder(encoder=ENCODER).fit_pairs(["a", "b"], ["c", "d"], [1, 1])
    with pytest.raises(InputError, match="no labelled texts"):
        Embedder(encoder=ENCODER).explain("a")
    with pytest.raises(InputError, match="two classes or more"):
        space_scores(np.eye(3, dtype=np.float32), ["a", "a", "a"])


@pytest.mark.skipif(not TRAIN, reason="tuning an encoder needs the extra [train]")
@pytest.mark.usefixtures("one_thread")
def test_the_encoder_itself_is_tuned_where_that_is_better(tmp_path: Path) -> None:
    from made_network import save_tiny

    from dovetail.training.settings import TuneSettings

    names, fill = [f"kind{i}" for i in range(12)], [f"word{i}" for i in range(30)]
    random = np.random.default_rng(0)
    kinds = random.integers(0, 12, 240)
    texts = [f"{names[k]} {' '.join(random.choice(fill, 3))}" for k in kinds]
    labels = [f"class {k % 3}" for k in kinds]
    folder = save_tiny(tmp_path / "tiny", [*names, *fill])
    space = Embedder(encoder=str(folder), tuning=TuneSettings(learning_rate=6e-3, epochs=6)).fit(texts, labels)
    assert space.tuned_ is not None
    space.save(tmp_path / "space")
    again = Embedder.load(tmp_path / "space")
    np.testing.assert_allclose(again.encode(texts[:5]), space.encode(texts[:5]), atol=1e-6)
    assert again.fingerprint == space.fingerprint
    grades = [float(a % 3 == b % 3) for a, b in zip(kinds[:120], kinds[120:], strict=True)]
    pairs = Embedder(encoder=str(folder), tuning=TuneSettings(learning_rate=6e-3, epochs=6))
    pairs.fit_pairs(texts[:120], texts[120:], grades)
    assert (pairs.tuned_ is not None) == ("with the encoder tuned" in pairs.facts_["why"])
    with pytest.raises(InputError, match="cannot be tuned"):
        Embedder(encoder=Noisy(), tuning=TuneSettings()).fit(*texts_of(0, 90))


@pytest.mark.skipif(not TRAIN, reason="a transformer needs the extra [train]")
@pytest.mark.usefixtures("one_thread")
def test_classes_are_told_from_lower_layers_too(tmp_path: Path) -> None:
    from made_network import save_tiny

    names, fill = [f"kind{i}" for i in range(6)], [f"word{i}" for i in range(30)]
    random = np.random.default_rng(0)
    kinds = random.integers(0, 6, 240)
    texts = [f"{' '.join(random.choice(fill, 3))} {names[k]}" for k in kinds]
    labels = [f"class {k % 3}" for k in kinds]
    folder = save_tiny(tmp_path / "tiny", [*names, *fill])
    space = Embedder(encoder=str(folder)).fit(texts[:160], labels[:160])
    assert space.deep_
    assert space.kind_ == "classes"
    plain = load_encoder(folder).encode(texts)
    before = space_scores(plain[160:], labels[160:])
    scores = space.evaluate(texts[160:], labels[160:])
    assert scores["before"].r_precision.value == pytest.approx(before.r_precision.value, abs=0.01)
    assert scores["after"].r_precision.value > before.r_precision.value + 0.1
    assert space.dimensions == plain.shape[1] + 3
    again = Embedder.load(space.save(tmp_path / "space"))
    assert again.fingerprint == space.fingerprint
    np.testing.assert_allclose(again.encode(texts[:5]), space.encode(texts[:5]), atol=1e-6)
    few = Embedder(encoder=str(folder)).fit([*texts[:40]], random.permutation(labels[:40]).tolist())
    assert few.encode(["word1"]).shape == (1, few.dimensions)
    assert not few.fit_pairs(texts[:9], texts[9:18], np.arange(9)).deep_
    np.testing.assert_allclose(few.encode(texts[:5]), plain[:5], atol=1e-6)


def test_tuning_is_proven_on_rows_that_chose_nothing() -> None:
    random = np.random.default_rng(0)
    before = random.random(80)
    assert proof_of(before, before + 0.2 + 0.1 * random.random(80), mean_on, 0).sure
    assert not proof_of(before, before + random.normal(0.01, 0.5, 80), mean_on, 0).sure
    half = np.where(np.arange(80) % 2, before, before + 1)  # better only where the share was chosen
    assert not proof_of(before, half, mean_on, 0).sure
    assert not proof_of(before[:3], before[:3] + 1, mean_on, 0).sure
    grades = random.random(80)
    assert proof_of(before, grades, agreement_with(grades), 0).after == pytest.approx(1.0)
    assert agreement_with(np.ones(80))(before, np.arange(80)) == 0
