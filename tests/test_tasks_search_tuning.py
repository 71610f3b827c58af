"""What judgements and documents may change: encoder, reader, mined lessons, all behind the gate."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dovetail.errors import InputError, UnknownName
from dovetail.measure.ranking import ndcg
from dovetail.tasks.search import Searcher
from dovetail.tasks.search_ask import asked_of, asking
from dovetail.tasks.search_encoder import name_of, self_taught, split_examples
from dovetail.tasks.search_fusion import Candidates, Fusion
from dovetail.tasks.search_gate import Trial, by_ranks, choose, usual_trials
from dovetail.tasks.search_index import Document
from dovetail.tasks.search_judgements import judgements_of
from dovetail.tasks.search_learn import answers, truth_of
from dovetail.tasks.search_mine import Teaching, examples_of, hard_wrong
from dovetail.tasks.search_tuning import SearchTuning, tuning_of
from dovetail.types import finish


class Angles:
    """Texts that are numbers: unit vectors at that angle, in degrees."""

    dimensions, fingerprint = 2, "angles"

    def encode(self, texts: list[str]) -> np.ndarray:
        angles = np.radians([float(text.split()[-1]) for text in texts])
        return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def candidates(read: list[float] | None = None) -> Candidates:
    keyword, cosine = np.array([1.0, 0.0, 0.0, 0.0]), np.array([0.1, 0.9, 0.5, 0.2])
    return Candidates(np.arange(4), keyword, 2.0, cosine, None if read is None else np.array(read))


def test_the_gate_weighs_what_a_reader_says() -> None:
    plain, read = [candidates()] * 40, [candidates([0.0, 0.0, 0.0, 0.9])] * 40
    truth = [{3: 1.0}] * 40
    trials = usual_trials(plain, Fusion()) | {"reader": Trial(read[:20], ("reading",), rows=range(20))}
    gate = choose(trials, truth, Fusion())
    assert gate.kept == "reader"
    assert gate.chosen.reading >= 0.3
    assert {w.name: w.queries for w in gate.ways}["reader"] == 20
    assert gate == type(gate).from_dict(gate.to_dict())
    few = choose(trials | {"reader": Trial(read[:5], ("reading",), rows=range(5))}, truth, Fusion())
    assert "reader" not in {w.name for w in few.ways}


def test_a_tuned_encoder_is_kept_only_where_held_out_ranks_are_better() -> None:
    worse, better = np.full(60, 1 / 3), np.ones(60)
    assert by_ranks(worse, better).kept == "encoder"
    assert by_ranks(better, worse).kept == "start"
    assert by_ranks(better, better).kept == "start"
    assert by_ranks(worse, better).ways[0].ndcg_10 == pytest.approx(ndcg(np.array([[0, 0, 1]])))


def test_hard_wrong_answers_are_cleaned() -> None:
    texts = {"right": 20, "twin": 21, "nearer": 2, "hard": 60, "far": 85}
    documents = [{"id": name, "text": f"at {angle}"} for name, angle in texts.items()]
    searcher = Searcher(encoder=Angles(), language="none").fit(documents)
    judged = judgements_of([("from 0", "right", 1.0)])
    finder, vectors = searcher.finder_, Angles().encode(["from 0"])
    truth = truth_of(finder.index, judged)
    teaching = Teaching(finder, judged, truth, vectors, answers(finder, judged.queries, vectors), Fusion())
    names = finder.index.names(hard_wrong(teaching, 0))
    assert sorted(names.values()) == ["far", "hard"]
    examples = examples_of(teaching, [0], 1)
    assert [examples.texts[i] for i in examples.passage] == ["at 20", "at 60"]
    assert examples.grade.tolist() == [1.0, 0.0]
    assert set(examples.query.tolist()) == {examples.texts.index("from 0")}


def test_questions_are_made_of_documents() -> None:
    documents = [
        Document("a", "Gene therapy", "A vector carries the gene to the cell. Trials began long ago in the lab."),
        Document("b", "", "One sentence only, without any title."),
    ]
    made = self_taught(iter(documents))
    pairs = {(made.texts[q], made.texts[p]) for q, p in zip(made.query, made.passage, strict=True)}
    assert ("Gene therapy", documents[0].text) in pairs
    assert len(pairs) == 2
    sentence, rest = next(p for p in pairs if p[0] != "Gene therapy")
    assert sentence in documents[0].text
    assert sentence not in rest
    many = self_taught(iter([Document(str(i), f"t{i}", f"text {i}") for i in range(200)]))
    taught, held = split_examples(many, 0.2, 0)
    assert 20 < len(held) < 65
    assert len(taught) + len(held) == 200
    assert not set(taught.passage) & set(held.passage)


def test_any_model_asks_about_passages() -> None:
    documents = [Document("a", "Gene therapy", "A vector carries it."), Document("b", "", "One sentence only.")]
    asked = finish(asked_of(documents, lambda passage: f"what about {passage[:4]}?"))
    assert {asked.texts[q] for q in asked.query} == {"what about Gene?", "what about One ?"}
    assert len(finish(asked_of(documents, lambda passage: None if "One" in passage else "gene?"))) == 1
    assert len(finish(asked_of(documents, lambda _: "what?", most=1))) == 1

    def broken(passage: str) -> str:
        raise ValueError(f"no {passage[:3]}")

    with pytest.raises(InputError, match="no question could be made of the passage 'Gene therapy"):
        finish(asked_of(documents, broken))
    with pytest.raises(InputError, match="holds no network"):
        asking("nowhere")


def test_a_network_in_a_folder_asks(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers", reason="a network that asks needs the extra [train]")
    from tokenizers import Tokenizer, models, pre_tokenizers

    words = ["<pad>", "</s>", "<unk>", "what", "is", "a", "gene"]
    spelt = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="<unk>"))
    spelt.pre_tokenizer = pre_tokenizers.Whitespace()
    tokens = {"eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    transformers.PreTrainedTokenizerFast(tokenizer_object=spelt, **tokens).save_pretrained(tmp_path)
    sizes = {"d_model": 8, "d_ff": 8, "d_kv": 4, "num_layers": 1, "num_heads": 2, "vocab_size": len(words)}
    made = transformers.T5Config(**sizes, decoder_start_token_id=0, pad_token_id=0, eos_token_id=1)
    transformers.T5ForConditionalGeneration(made).save_pretrained(tmp_path)
    ask = asking(tmp_path)
    assert ask("what is a gene") == ask("what is a gene")
    assert set(str(ask("a gene")).split()) <= {*words}


def test_tunings_have_names_and_limits() -> None:
    assert tuning_of("all").reader
    assert not tuning_of("weights").queries
    with pytest.raises(UnknownName, match="no tuning 'everything'"):
        tuning_of("everything")
    with pytest.raises(InputError, match="temperature is 0"):
        SearchTuning(temperature=0)
    for encoder in ("static", Angles()):
        with pytest.raises(InputError, match="cannot be tuned; make the searcher with encoder='transformer'"):
            name_of(encoder)
