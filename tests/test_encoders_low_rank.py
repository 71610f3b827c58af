"""A tuned network stored as a small difference: exact where the rank allows, best where it does not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from dovetail.encoders.low_rank import (  # noqa: E402
    add_low_rank,
    kept_share,
    load_low_rank,
    low_rank_difference,
    save_low_rank,
)
from dovetail.errors import InputError  # noqa: E402

State = dict[str, torch.Tensor]


def networks(rank: int = 2, seed: int = 0) -> tuple[State, State]:
    """A network and one that differs by matrices of this rank, a vector, and a new head."""
    some = torch.Generator().manual_seed(seed)
    base = {
        "wide.weight": torch.randn(6, 40, generator=some),
        "tall.weight": torch.randn(50, 8, generator=some),
        "same.weight": torch.randn(4, 4, generator=some),
        "norm.bias": torch.randn(8, generator=some),
        "positions": torch.arange(5),
    }
    tuned = {k: v.clone() for k, v in base.items()}
    for name in ("wide.weight", "tall.weight"):
        a, b = base[name].shape
        tuned[name] += 0.01 * torch.randn(a, rank, generator=some) @ torch.randn(rank, b, generator=some)
    tuned["norm.bias"] += 0.02
    tuned["head.weight"] = torch.randn(1, 8, generator=some)
    tuned["head.numbers"] = torch.tensor([70_000])
    return base, tuned


def test_a_difference_of_low_rank_comes_back() -> None:
    base, tuned = networks(rank=2)
    factors = low_rank_difference(base, tuned, 2)
    assert {f.dtype for f in factors.values()} == {torch.float16, torch.int64}
    assert {k: tuple(v.shape) for k, v in factors.items()} == {
        "wide.weight.left": (6, 2),
        "wide.weight.right": (2, 40),
        "tall.weight.left": (50, 2),
        "tall.weight.right": (2, 8),
        "norm.bias.whole": (8,),
        "head.weight.new": (1, 8),
        "head.numbers.new": (1,),
    }
    found = add_low_rank(base, factors)
    assert set(found) == set(tuned)
    for name, value in tuned.items():
        torch.testing.assert_close(found[name], value, atol=1e-3, rtol=1e-3)
    assert torch.equal(found["positions"], base["positions"])
    assert kept_share(base, tuned, factors) > 0.99999


def test_a_rank_too_low_is_the_best_approximation() -> None:
    """As much is lost as the singular values left out say, for a wide and a tall matrix."""
    base, tuned = networks(rank=5)
    found = add_low_rank(base, low_rank_difference(base, tuned, 3))
    for name in ("wide.weight", "tall.weight"):
        values = np.linalg.svd((tuned[name] - base[name]).numpy(), compute_uv=False)
        lost = float((found[name] - tuned[name]).square().sum())
        assert lost == pytest.approx(float((values[3:] ** 2).sum()), rel=0.02)


def test_a_budget_keeps_the_directions_that_matter() -> None:
    base, tuned = networks(rank=5)
    tuned["tall.weight"] = base["tall.weight"] + 0.05 * (tuned["tall.weight"] - base["tall.weight"])
    factors = low_rank_difference(base, tuned, 5, megabytes=410e-6)
    assert sum(f.numel() * f.element_size() for f in factors.values()) <= 410
    assert factors["wide.weight.left"].shape[1] == 4
    assert "tall.weight.left" not in factors
    assert kept_share(base, tuned, factors) > 0.8
    nothing = low_rank_difference(base, tuned, 5, megabytes=0)
    assert set(nothing) == {"norm.bias.whole", "head.weight.new", "head.numbers.new"}


def test_no_difference_is_nothing() -> None:
    base, _ = networks()
    assert low_rank_difference(base, base, 4) == {}
    assert kept_share(base, base, {}) == 1


def test_number_types_stay_and_the_base_is_left_alone() -> None:
    base, tuned = networks()
    short = {k: v.bfloat16() if v.is_floating_point() else v for k, v in base.items()}
    before = {k: v.clone() for k, v in short.items()}
    found = add_low_rank(short, low_rank_difference(base, tuned, 2))
    assert found["wide.weight"].dtype == torch.bfloat16
    assert all(torch.equal(short[k], before[k]) for k in short)


def test_saved_and_loaded(tmp_path: Path) -> None:
    base, tuned = networks()
    factors = low_rank_difference(base, tuned, 2)
    path = tmp_path / "tuned.safetensors"
    save_low_rank(path, factors, {"base": "abc"})
    found, note = load_low_rank(path)
    assert note == {"base": "abc", "format": "1"}
    assert set(found) == set(factors)
    assert all(torch.equal(found[k], factors[k]) for k in factors)
    assert [p.name for p in tmp_path.iterdir()] == ["tuned.safetensors"]


def test_files_that_cannot_be_used_are_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no file"):
        load_low_rank(tmp_path / "absent.safetensors")
    for content in (b"", b"hello", (2).to_bytes(8, "little") + b"{}"):
        (tmp_path / "broken").write_bytes(content)
        with pytest.raises(InputError, match="no difference of a tuned encoder"):
            load_low_rank(tmp_path / "broken")
    save_low_rank(tmp_path / "newer", {"a.whole": torch.zeros(2)}, {})
    data = (tmp_path / "newer").read_bytes().replace(b'"format":"1"', b'"format":"9"')
    (tmp_path / "newer").write_bytes(data)
    with pytest.raises(InputError, match="newer format"):
        load_low_rank(tmp_path / "newer")


def test_another_network_is_refused() -> None:
    base, tuned = networks()
    factors = low_rank_difference(base, tuned, 2)
    with pytest.raises(InputError, match=r"lacks wide\.weight"):
        low_rank_difference(base, {}, 2)
    with pytest.raises(InputError, match="shape"):
        low_rank_difference(base, {**tuned, "norm.bias": torch.zeros(3)}, 2)
    with pytest.raises(InputError, match="the network lacks"):
        add_low_rank({}, factors)
    with pytest.raises(InputError, match="was made for"):
        add_low_rank({**base, "norm.bias": torch.zeros(3)}, factors)
