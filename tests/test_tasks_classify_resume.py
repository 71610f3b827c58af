"""A classifier's training that was killed, or that a function of the user's broke off, goes on where it was."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_tasks_classify import tickets

from dovetail.errors import InputError
from dovetail.tasks import classify_resume
from dovetail.tasks.classify import Classifier
from dovetail.tasks.classify_augment import varied_texts
from dovetail.tasks.classify_rewrite import rewritten
from dovetail.types import Progress, finish

pytest.importorskip("torch")
pytest.importorskip("transformers")

from made_network import save_tiny

from dovetail.encoders.layered import LayeredEncoder

ASKED: dict[str, Any] = {"layers": "all", "epochs": 3, "learning_rate": 3e-3, "augment": ("swap-words",), "batch": 16}
RUN = """
import os, signal, sys
sys.path[:0] = [{tests!r}]
import torch
from dovetail.encoders.layered import LayeredEncoder
from dovetail.tasks.classify import Classifier
from dovetail.training import loop
from test_tasks_classify import tickets
from test_tasks_classify_resume import ASKED
torch.set_num_threads(1)
loop._SAVE_EVERY = loop._EVERY = 0.0

def killed(progress):
    if progress.step == "tune" and progress.done == 9 and progress.total > 12:
        os.kill(os.getpid(), signal.SIGKILL)

Classifier(LayeredEncoder({encoder!r})).fit(*tickets(), checkpoint={folder!r}, on_progress=killed, **ASKED)
"""


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    texts, _ = tickets()
    return save_tiny(tmp_path_factory.mktemp("tiny"), sorted({w for t in texts for w in t.split()}))


@pytest.mark.usefixtures("one_thread")
def test_a_killed_training_goes_on_and_ends_as_if_it_had_not_been_killed(encoder: Path, tmp_path: Path) -> None:
    left = tmp_path / "unfinished"
    script = RUN.format(tests=str(Path(__file__).parent), encoder=str(encoder), folder=str(left))
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    ours = left / "unfinished-classifier"
    assert list(ours.glob("tuned-*/running/checkpoint.safetensors"))
    told: list[Progress] = []
    again = Classifier(LayeredEncoder(encoder)).fit(*tickets(), checkpoint=left, on_progress=told.append, **ASKED)
    steps = [p.done for p in told if p.step == "tune" and p.total > 12]
    assert steps[0] >= 8
    whole = Classifier(LayeredEncoder(encoder)).fit(*tickets(), **ASKED)
    np.testing.assert_allclose(again.rungs_[-1].scores, whole.rungs_[-1].scores, atol=1e-5)
    assert again.card["chosen"] == whole.card["chosen"]
    assert "checkpoint" not in again.card["options"]
    assert len(list(ours.glob("tuned-*/done"))) >= 1
    again.save(tmp_path / "model")
    assert not left.exists()  # what was kept for going on goes once the model is safe


@pytest.mark.usefixtures("one_thread")
def test_a_tuning_that_was_done_is_not_done_again(
    encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Classifier(LayeredEncoder(encoder)).fit(*tickets(6), checkpoint=tmp_path, **ASKED)
    monkeypatch.setattr("dovetail.training.classes.tune_encoder", None)  # whoever tunes now fails
    again = Classifier(LayeredEncoder(encoder)).fit(*tickets(6), checkpoint=tmp_path, **ASKED)
    np.testing.assert_allclose(again.rungs_[-1].scores, first.rungs_[-1].scores, atol=1e-6)
    with pytest.raises(TypeError):  # another rate is another tuning
        Classifier(LayeredEncoder(encoder)).fit(*tickets(6), checkpoint=tmp_path, **{**ASKED, "learning_rate": 1e-3})
    with pytest.raises(TypeError):  # one for so many minutes may end early, and is another one, too
        Classifier(LayeredEncoder(encoder)).fit(*tickets(6), checkpoint=tmp_path, minutes=60, **ASKED)


def test_a_tuning_of_few_minutes_is_not_taken_for_one_of_many(tmp_path: Path) -> None:
    (tmp_path / "tuned").mkdir()
    (tmp_path / "tuned/weights").write_bytes(b"of five minutes")
    classify_resume.Unfinished(tmp_path / "left", "recipe", 5.0).save(tmp_path / "tuned", None)
    for minutes in (60.0, None):
        assert classify_resume.Unfinished(tmp_path / "left", "recipe", minutes).load(tmp_path / "x") == (False, None)
    assert classify_resume.Unfinished(tmp_path / "left", "recipe", 5.0).load(tmp_path / "x") == (True, None)
    assert (tmp_path / "x/weights").read_bytes() == b"of five minutes"


class Slow:
    """An encoder that counts what it reads."""

    dimensions, fingerprint = 2, "slow"

    def __init__(self) -> None:
        self.read = 0

    def encode(self, texts: Sequence[str]) -> np.ndarray[Any, np.dtype[np.float32]]:
        self.read += len(texts)
        return np.array([[len(t), 1.0] for t in texts], np.float32)


def test_texts_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classify_resume, "_WORTH", 0.0)
    reader, home = Slow(), classify_resume.begun(tmp_path)
    first = classify_resume.read_again(reader, ["a", "bb"], home)
    np.testing.assert_array_equal(classify_resume.read_again(reader, ["a", "bb"], home), first)
    assert reader.read == 2
    classify_resume.read_again(reader, ["a", "b", "b"], home)
    assert reader.read == 5
    assert len(list(home.glob("read-*.npy"))) == 2
    (tmp_path / "mine.txt").write_text("mine")
    classify_resume.forget(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("theirs", ["search/index", "tuned-2024/weights", "read-me.npy", "rewritten.json"])
def test_saving_removes_nothing_that_was_there_before(tmp_path: Path, theirs: str) -> None:
    texts, labels = tickets(4)
    file = tmp_path / "models" / theirs
    file.parent.mkdir(parents=True)
    file.write_text("mine")
    made = Classifier("static").fit(texts, labels, checkpoint=tmp_path / "models", rewrite=lambda given: given)
    assert (tmp_path / "models/unfinished-classifier/rewritten.json").is_file()
    made.save(tmp_path / "model")
    assert file.read_text() == "mine"
    assert not (tmp_path / "models/unfinished-classifier").exists()


def test_a_folder_of_our_name_that_is_not_ours_stays(tmp_path: Path) -> None:
    file = tmp_path / "unfinished-classifier" / "mine.txt"
    file.parent.mkdir()
    file.write_text("mine")
    Classifier("static").fit(*tickets(4), checkpoint=tmp_path).save(tmp_path / "model")
    assert file.read_text() == "mine"
    with pytest.raises(InputError, match=r"checkpoint .*mine\.txt is no folder to write into"):
        Classifier("static").fit(*tickets(4), checkpoint=file)


def test_saving_an_earlier_model_keeps_what_a_failed_fit_left(tmp_path: Path) -> None:
    texts, labels = tickets(4)
    left = tmp_path / "unfinished-classifier" / "rewritten.json"
    made = Classifier("static").fit(texts, labels, checkpoint=tmp_path)

    def broken(given: list[str]) -> list[str]:
        if texts[0] in given:
            raise ValueError("no tokens left")
        return [t.upper() for t in given]

    with pytest.raises(InputError, match="no tokens left"):
        made.fit(texts, labels, rewrite=broken, checkpoint=tmp_path)
    said = left.read_text()
    made.save(tmp_path / "model")
    assert left.read_text() == said


def test_what_an_update_left_goes_once_it_is_saved(tmp_path: Path) -> None:
    texts, labels = tickets(4)
    made = Classifier("static").fit(texts, labels)
    made.update([texts[0] + " again"], [labels[0]], checkpoint=tmp_path / "left")
    assert (tmp_path / "left/unfinished-classifier").is_dir()
    made.save(tmp_path / "model")
    assert not (tmp_path / "left").exists()


def test_a_search_goes_on_for_the_same_texts_and_labels_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("optuna")
    from dovetail.tasks import classify_search

    real = classify_search.search
    monkeypatch.setattr(classify_search, "search", lambda *a, **k: real(*a, **{**k, "trials": 3}))
    asked: dict[str, Any] = {"search": 1.0, "folds": 2, "checkpoint": tmp_path}

    def spent(texts: list[str], labels: list[str]) -> float:
        trials = Classifier("static").fit(texts, labels, **asked).card["search"]["trials"]
        assert len(trials) == 3
        return sum(t["seconds"] for t in trials)

    texts, labels = tickets(2)
    first = spent(texts, labels)
    assert spent(texts, labels) == first  # no trial was made anew
    assert spent([f"{t} again" for t in texts], labels) != first
    turned = dict(zip(sorted(set(labels)), sorted(set(labels))[::-1], strict=True))
    assert spent(texts, [turned[label] for label in labels]) != first


def test_a_fault_of_rewrite_names_the_text_and_loses_nothing(tmp_path: Path) -> None:
    texts, labels = tickets(4)
    asked: list[str] = []

    def moody(given: list[str]) -> list[str]:
        if any("delivery" in t or "parcel" in t for t in given):
            raise ValueError("no tokens left")
        return [f"again: {t}" for t in given]

    made = Classifier("static").fit(texts, labels)
    with pytest.raises(InputError, match=r"rewrite failed on the text '.*(delivery|parcel).*: no tokens left"):
        made.fit(texts, labels, rewrite=moody, checkpoint=tmp_path)
    assert made.predict(texts[:1]) == [labels[0]]  # the model from before is still there

    def mended(given: list[str]) -> list[str]:
        asked.extend(given)
        return [f"again: {t}" for t in given]

    made.fit(texts, labels, rewrite=mended, checkpoint=tmp_path)
    assert 0 < len(asked) < len(set(texts))  # what was said before the fault is not asked for again


def test_a_fault_that_passes_is_no_fault() -> None:
    turns = iter(range(100))

    def hiccup(given: list[str]) -> list[str]:
        if next(turns) == 0:
            raise TimeoutError("busy")
        return [t.upper() for t in given]

    assert finish(rewritten(["a", "b", "a"], hiccup)) == ["A", "B", "A"]


@pytest.mark.parametrize(
    ("answer", "said"), [(None, "gave NoneType"), ("text", "gave str"), (["a", "b"], "1 texts and gave 2")]
)
def test_an_answer_of_another_shape_is_refused(answer: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        finish(varied_texts(["one"], (), lambda given: answer, seed=0))
