"""Which parameters are trained, how fast, and that low-rank matrices come and go without a trace."""

from __future__ import annotations

import re
from typing import Any

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from dovetail.errors import InputError  # noqa: E402
from dovetail.training import layers  # noqa: E402
from dovetail.training.settings import TuneSettings  # noqa: E402

TOKENS = torch.tensor([[2, 5, 9, 3], [2, 7, 3, 0]])
SMALL: dict[str, Any] = {"vocab_size": 20, "hidden_size": 8, "num_hidden_layers": 3, "num_attention_heads": 2}
KINDS = {
    "bert": lambda: transformers.BertModel(transformers.BertConfig(**SMALL, intermediate_size=16)),
    "roberta": lambda: transformers.RobertaModel(transformers.RobertaConfig(**SMALL, intermediate_size=16)),
    "mpnet": lambda: transformers.MPNetModel(transformers.MPNetConfig(**SMALL, intermediate_size=16)),
    "distilbert": lambda: transformers.DistilBertModel(
        transformers.DistilBertConfig(vocab_size=20, dim=8, n_layers=3, n_heads=2, hidden_dim=16)
    ),
    "modernbert": lambda: transformers.ModernBertModel(
        transformers.ModernBertConfig(**SMALL, intermediate_size=16, pad_token_id=0, reference_compile=False)
    ),
}


class Topped(torch.nn.Module):
    """A pre-trained network with a head."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network
        self.head = torch.nn.Linear(8, 1)

    def forward(self, tokens: Any) -> Any:
        return self.head(self.network(input_ids=tokens).last_hidden_state[:, 0])


def topped(kind: str = "bert", seed: int = 0) -> Topped:
    torch.manual_seed(seed)
    return Topped(KINDS[kind]()).eval()


def trained(model: torch.nn.Module) -> set[str]:
    return {name for name, p in model.named_parameters() if p.requires_grad}


@pytest.mark.parametrize("kind", KINDS)
def test_depths_of_every_kind(kind: str) -> None:
    model = topped(kind)
    assert len(layers.stack(model)) == 3
    depth = layers.depths(model)
    assert {d for n, d in depth.items() if n.startswith("head.")} == {4}
    assert {d for n, d in depth.items() if "embeddings." in n} == {0}
    for name, height in depth.items():
        inside = re.search(r"layers?\.(\d)\.", name)
        if inside:
            assert height == int(inside[1]) + 1
    assert set(depth.values()) == {0, 1, 2, 3, 4}


@pytest.mark.parametrize(
    ("kind", "chosen"),
    [*(("bert", c) for c in ("all", "top-3", "head")), *((k, c) for k in KINDS for c in ("top-1", "lora"))],
)
def test_training_changes_what_was_chosen_and_nothing_else(kind: str, chosen: str) -> None:
    model = topped(kind)
    before = {n: p.clone() for n, p in model.state_dict().items()}
    groups = layers.prepared(model, TuneSettings(layers=chosen, learning_rate=0.01, dropout=0.0))
    optimizer = torch.optim.SGD(groups)
    for _ in range(2):  # low-rank matrices start at 0: the second step moves the first ones
        optimizer.zero_grad()
        model(TOKENS).square().sum().backward()
        optimizer.step()
    answer = model(TOKENS)
    layers.merged(model)
    torch.testing.assert_close(model(TOKENS), answer, atol=1e-5, rtol=1e-4)
    assert list(model.state_dict()) == list(before)
    lowest = {"all": 0, "top-1": 3, "top-3": 1, "head": 4, "lora": 1}[chosen]
    depth = layers.depths(model)
    moved = {depth[n] for n, p in model.named_parameters() if not torch.equal(p, before[n])}
    assert moved <= set(range(lowest, 5))
    assert {4, max(lowest, 3)} <= moved


def test_lora_is_small_starts_from_nothing_and_repeats() -> None:
    one, same = topped(), topped()
    before = one(TOKENS)
    layers.choose_layers(one, "lora", seed=1)
    layers.choose_layers(same, "lora", seed=1)
    assert torch.equal(one(TOKENS), before)
    assert trained(one) == trained(same) == {n for n in trained(one) if ".lora_" in n or n.startswith("head.")}
    values = dict(same.named_parameters())
    assert all(torch.equal(p, values[n]) for n, p in one.named_parameters())
    layers.choose_layers(one, "top-1")
    assert not any("lora" in n for n in one.state_dict())


def test_groups_have_rates_by_height_and_no_decay_for_vectors() -> None:
    model = topped()
    settings = TuneSettings(learning_rate=1e-3, head_rate=1e-2, weight_decay=0.1)
    groups = layers.prepared(model, settings, layer_decay=0.5)
    names = {id(p): n for n, p in model.named_parameters()}
    found = {names[id(p)]: (g["lr"], g["weight_decay"]) for g in groups for p in g["params"]}
    assert len(found) == len(names)
    assert found["head.weight"] == (1e-2, 0.1)
    assert found["head.bias"] == (1e-2, 0.0)
    assert found["network.encoder.layer.2.output.dense.weight"] == (1e-3, 0.1)
    assert found["network.encoder.layer.1.output.dense.weight"] == (5e-4, 0.1)
    assert found["network.encoder.layer.1.output.LayerNorm.weight"] == (5e-4, 0.0)
    assert found["network.embeddings.word_embeddings.weight"] == (1.25e-4, 0.1)
    torch.optim.AdamW(groups, weight_decay=settings.weight_decay)


def test_dropout_is_set_everywhere() -> None:
    model = topped().train()
    layers.set_dropout(model, 0.0)
    assert torch.equal(model(TOKENS), model(TOKENS))
    layers.set_dropout(model, 0.5)
    assert not torch.equal(model(TOKENS), model(TOKENS))


@pytest.mark.parametrize(
    ("chosen", "said"),
    [("top", "top-2"), ("top-0", "3 layers"), ("top-4", "3 layers"), ("lower", "expected all, head, lora")],
)
def test_unknown_layers_are_refused_in_words(chosen: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        layers.choose_layers(topped(), chosen)


def test_what_cannot_be_trained_is_said() -> None:
    bare = topped().network
    with pytest.raises(InputError, match="nothing new on top"):
        layers.choose_layers(bare, "head")
    with pytest.raises(InputError, match="no pre-trained transformer"):
        layers.choose_layers(torch.nn.Linear(2, 2), "all")
    with pytest.raises(InputError, match="layer_decay is 0"):
        layers.parameter_groups(bare, TuneSettings(), layer_decay=0)
    for parameter in bare.parameters():
        parameter.requires_grad_(False)
    with pytest.raises(InputError, match="no parameter"):
        layers.parameter_groups(bare, TuneSettings())
