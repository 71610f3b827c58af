"""The cross-encoder on disk: weights of another network or damaged ones are refused, and loading draws nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from made_network import save_tiny  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402

from dovetail.encoders.cross import CrossEncoder  # noqa: E402
from dovetail.errors import InputError  # noqa: E402


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("tiny"), [f"w{i}" for i in range(30)])


def test_a_reader_comes_back_as_it_was_kept(folder: Path, tmp_path: Path) -> None:
    one, other = CrossEncoder(folder, seed=0), CrossEncoder(folder, seed=1)
    assert not torch.equal(one.reader.outer.weight, other.reader.outer.weight)
    other.restore(one.keep(tmp_path))
    kept, back = one.reader.state_dict(), other.reader.state_dict()
    assert all(torch.allclose(kept[name], back[name], atol=1e-3) for name in kept)


@pytest.mark.parametrize("fault", ["lacking", "beside", "shape"])
def test_weights_of_another_network_are_refused(folder: Path, tmp_path: Path, fault: str) -> None:
    cross = CrossEncoder(folder, seed=0)
    path = cross.keep(tmp_path) / "reader.safetensors"
    weights = load_file(path)
    if fault == "beside":
        weights["network.layer.99.weight"] = torch.zeros(2)
    elif fault == "shape":
        weights["outer.bias"] = torch.zeros(7)
    else:
        del weights["outer.weight"]
    save_file(weights, path)
    with pytest.raises(InputError, match="another network"):
        cross.restore(tmp_path)


def test_damaged_weights_are_said_in_words(folder: Path, tmp_path: Path) -> None:
    cross = CrossEncoder(folder, seed=0)
    path = cross.keep(tmp_path) / "reader.safetensors"
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(InputError, match="is damaged"):
        cross.restore(tmp_path)


def test_loading_a_reader_leaves_the_callers_random_numbers_alone(folder: Path) -> None:
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    CrossEncoder(folder, seed=0)
    assert torch.equal(torch.rand(3), expected)
