"""The encoder in 8-bit whole numbers: agrees, is written once, and is refused where it would not agree."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_network import save_tiny

torch = pytest.importorskip("torch")
pytest.importorskip("onnxruntime")

from dovetail.encoders import int8, pretrained  # noqa: E402
from dovetail.encoders.int8 import Int8Bert, graph_of  # noqa: E402
from dovetail.encoders.layered import LayeredEncoder  # noqa: E402
from dovetail.encoders.onnx_file import _varint  # noqa: E402
from dovetail.encoders.pretrained import backbone  # noqa: E402
from dovetail.encoders.transformer import TransformerEncoder, padded  # noqa: E402
from dovetail.errors import MissingExtra  # noqa: E402

WORDS = ["sony", "red", "lamp", "desk", "chair", "canon", "a", "the", "drill", "blue", "oak", "steel"]
TEXTS = ["red lamp", "", "the blue steel desk lamp", "oak chair", "sony", "a drill the drill a drill canon oak desk"]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("tiny") / "bert", WORDS)


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, one_thread: None) -> None:
    monkeypatch.setenv("DOVETAIL_CACHE", str(tmp_path / "cache"))


def states_of(folder: Path, floats: list[tuple[int, str]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The states of a padded batch as transformers and as the graph computes them, and the mask."""
    network: Any = backbone(folder)
    ids, mask = padded([[101, 104, 105, 102], [101, 110, 102]])
    with torch.inference_mode():
        wanted = network(input_ids=ids, attention_mask=mask).last_hidden_state.numpy()
    state = {name: value.numpy() for name, value in network.state_dict().items()}
    found = Int8Bert(graph_of(network.config, state, floats), 1).states(ids.numpy(), mask.numpy())
    return wanted, found, mask.numpy().astype(bool)


def test_the_graph_is_the_network(tiny: Path) -> None:
    every = [(layer, name) for layer in range(2) for name in int8.PRODUCTS]
    wanted, found, written = states_of(tiny, every)
    np.testing.assert_allclose(found[written], wanted[written], atol=2e-3)  # word vectors are kept in half precision
    wanted, found, written = states_of(tiny, [])
    assert 0 < np.abs(found[written] - wanted[written]).max() < 0.2


def test_vectors_agree_and_are_another_encoders(tiny: Path) -> None:
    exact, coarse = (TransformerEncoder(tiny, precision=p) for p in ("float32", "int8"))
    wanted, found = exact.encode(TEXTS), coarse.encode(TEXTS)
    assert not found[1].any()
    assert np.delete((wanted * found).sum(1), 1).min() > 0.99
    assert np.abs(wanted - found).max() > 1e-6
    assert coarse.fingerprint != exact.fingerprint


def test_layers_are_never_read_in_int8_and_keep_their_mark(tiny: Path) -> None:
    plain, quick = (LayeredEncoder(TransformerEncoder(tiny, precision=p)) for p in ("float32", "int8"))
    assert quick.fingerprint == plain.fingerprint
    np.testing.assert_array_equal(quick.encode(TEXTS), plain.encode(TEXTS))


def test_written_once_and_again_where_it_is_damaged(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = TransformerEncoder(tiny, precision="int8").encode(TEXTS)
    (file,), (note,) = ((tmp_path / "cache" / "int8").glob(f"*.{end}") for end in ("onnx", "json"))
    assert json.loads(note.read_text())["least"] >= 0.99
    made: list[int] = []
    real = int8.models
    monkeypatch.setattr(int8, "models", lambda *given: made.append(1) or real(*given))
    np.testing.assert_array_equal(TransformerEncoder(tiny, precision="int8").encode(TEXTS), first)
    assert not made
    file.write_bytes(file.read_bytes()[:-40])
    np.testing.assert_array_equal(TransformerEncoder(tiny, precision="int8").encode(TEXTS), first)
    assert made == [1]
    note.write_text("{")
    np.testing.assert_array_equal(TransformerEncoder(tiny, precision="int8").encode(TEXTS), first)
    assert made == [1, 1]


def test_refused_where_vectors_would_not_agree(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(int8, "LEAST", 1.5)
    exact, coarse = (TransformerEncoder(tiny, precision=p) for p in ("float32", "int8"))
    with pytest.warns(UserWarning, match=r"int8 was refused for a cosine of \d"):
        assert coarse.eight is None
    np.testing.assert_array_equal(coarse.encode(TEXTS), exact.encode(TEXTS))
    assert coarse.fingerprint == exact.fingerprint
    assert not list((tmp_path / "cache" / "int8").glob("*.onnx"))
    monkeypatch.setattr(int8, "models", lambda *given: pytest.fail("the note says that it does not agree"))
    with pytest.warns(UserWarning, match="refused"):
        assert TransformerEncoder(tiny, precision="int8").eight is None


def test_an_unwritable_cache_costs_only_time(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("DOVETAIL_CACHE", str(tmp_path / "file"))
    assert TransformerEncoder(tiny, precision="int8").encode(TEXTS).any(axis=1).sum() == 5


@pytest.mark.parametrize(
    ("flags", "chosen"),
    [
        ({"avx512_vnni"}, "int8"),
        ({"avx_vnni"}, "int8"),
        ({"avx512_vnni", "avx512_bf16"}, "bfloat16"),
        ({"avx2"}, "float32"),
    ],
)
def test_auto_follows_the_processor(tiny: Path, flags: set[str], chosen: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretrained, "_flags", lambda: frozenset(flags))
    encoder = TransformerEncoder(tiny)
    assert encoder._chosen == chosen
    assert (encoder.eight is not None) == (chosen == "int8")
    exact = TransformerEncoder(tiny, precision="float32").encode(TEXTS)
    assert np.delete((exact * encoder.encode(TEXTS)).sum(1), 1).min() > 0.99


def test_without_the_extra(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(int8, "can_int8", lambda: False)
    monkeypatch.setattr(pretrained, "_flags", lambda: frozenset({"avx512_vnni"}))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert TransformerEncoder(tiny).eight is None
    with pytest.raises(MissingExtra, match=r"dovetail\[int8\]"):
        TransformerEncoder(tiny, precision="int8").encode(["red"])


def test_numbers_of_any_size() -> None:
    assert [_varint(n) for n in (0, 1, 127, 128, 300)] == [b"\0", b"\1", b"\x7f", b"\x80\1", b"\xac\2"]
