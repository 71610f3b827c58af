"""A tuned network as its small difference to the one that it started from.

Tuning moves a weight matrix mostly along few directions. The leading ones, in half precision, make a network of
90 MB a file of a few MB that is added to the packaged weights when it is loaded. Source: Hu et al., LoRA, 2021, here
by singular values after tuning instead of before it (the best approximation of its rank: Eckart and Young 1936).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dovetail.errors import InputError
from dovetail.tables.atomic import replace_file

if TYPE_CHECKING:
    from torch import Tensor

FORMAT = 1
_LEFT, _RIGHT, _WHOLE, _NEW = ".left", ".right", ".whole", ".new"

State = Mapping[str, "Tensor"]


def low_rank_difference(base: State, tuned: State, rank: int, *, megabytes: float | None = None) -> dict[str, Tensor]:
    """Factors in half precision that lead from `base` to about `tuned`.

    For a matrix (a, b): `name.left` (a, r) and `name.right` (r, b) with r up to `rank`; a vector's difference as
    `name.whole`; what only the tuned one has, as `name.new`. What has not changed is left out. With `megabytes` the
    directions that matter most for their size are kept until the file is that large.
    """
    _check_same(base, tuned)
    new = {n: t.detach() for n, t in tuned.items() if n not in base}
    kept = {f"{n}{_NEW}": t.half() if t.is_floating_point() else t for n, t in new.items()}
    parts: dict[str, tuple[Tensor, Tensor, Tensor]] = {}
    for name, start in base.items():
        gap = tuned[name].detach().double() - start.detach().double()
        if not start.is_floating_point() or not gap.any():
            continue
        if gap.dim() == 2:
            parts[name] = _leading(gap, rank)
        else:
            kept[f"{name}{_WHOLE}"] = gap.half()
    used = sum(t.numel() * t.element_size() for t in kept.values())
    ranks = _ranks(parts, None if megabytes is None else megabytes * 1e6 - used)
    for name, (left, values, right) in parts.items():
        if ranks[name]:
            root = values[: ranks[name]].sqrt()
            kept[f"{name}{_LEFT}"] = (left[:, : ranks[name]] * root).half().contiguous()
            kept[f"{name}{_RIGHT}"] = (root[:, None] * right[: ranks[name]]).half().contiguous()
    return kept


def add_low_rank(base: State, factors: State) -> dict[str, Tensor]:
    """The weights of `base` with the difference added, in the number types of `base`."""
    found = dict(base)
    for name, factor in factors.items():
        plain, _, part = name.rpartition(".")
        if f".{part}" == _NEW:
            found[plain] = factor.float() if factor.is_floating_point() else factor
        elif f".{part}" == _WHOLE:
            found[plain] = _moved(base, plain, factor.float())
        elif f".{part}" == _LEFT:
            found[plain] = _moved(base, plain, factor.float() @ factors[f"{plain}{_RIGHT}"].float())
    return found


def kept_share(base: State, tuned: State, factors: State) -> float:
    """How much of the difference the factors keep, from 0 to 1: 1 − squared error / squared difference."""
    restored = add_low_rank(base, factors)
    pairs = [(base[n].double(), tuned[n].double(), restored[n].double()) for n in base if base[n].is_floating_point()]
    total = sum(float((b - a).square().sum()) for a, b, _ in pairs)
    lost = sum(float((b - c).square().sum()) for _, b, c in pairs)
    return 1 - lost / total if total else 1.0


def save_low_rank(path: str | Path, factors: State, note: Mapping[str, str]) -> None:
    """Write factors and a note (the fingerprint of the base, say) to one safetensors file, whole or not at all."""
    from safetensors.torch import save

    about = {**note, "format": str(FORMAT)}
    with replace_file(path) as beside:
        beside.write_bytes(save({n: t.contiguous().cpu() for n, t in factors.items()}, metadata=about))


def load_low_rank(path: str | Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Factors and note from a file of `save_low_rank`."""
    from safetensors.torch import load

    path = Path(path)
    if not path.is_file():
        raise InputError(f"there is no file {path}; expected the difference of a tuned encoder, as it was saved")
    data = path.read_bytes()
    note = _note(data, path)
    if int(note["format"]) > FORMAT:
        raise InputError(f"{path} is of a newer format ({note['format']}); update dovetail")
    return load(data), note


def _note(data: bytes, path: Path) -> dict[str, str]:
    try:
        head = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        note = {str(k): str(v) for k, v in head["__metadata__"].items()}
        int(note["format"])
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InputError(f"{path} holds no difference of a tuned encoder; save it again") from None
    return note


def _check_same(base: State, tuned: State) -> None:
    missing = [name for name in base if name not in tuned]
    if missing:
        raise InputError(f"the tuned network lacks {missing[0]} and {len(missing) - 1} more; is it of another kind?")
    for name, start in base.items():
        if tuned[name].shape != start.shape:
            shapes = tuple(tuned[name].shape), tuple(start.shape)
            raise InputError(f"{name} has shape {shapes[0]} in the tuned network and {shapes[1]} in the other")


def _leading(gap: Tensor, rank: int) -> tuple[Tensor, Tensor, Tensor]:
    """The leading singular vectors and values of a matrix (a, b), from the eigenvectors of its smaller square.

    In float64, where the square costs no digit that half precision would keep.
    """
    wide = gap.shape[0] < gap.shape[1]
    tall = gap.T if wide else gap
    values, found = np.linalg.eigh((tall.T @ tall).cpu().numpy())
    order = np.argsort(-values)[: min(rank, len(values))]
    order = order[values[order] > max(values.max(), 0) * 1e-12]
    vectors = gap.new_tensor(found[:, order])
    lengths = gap.new_tensor(np.sqrt(values[order]))
    other = tall @ vectors / lengths
    return (vectors, lengths, other.T) if wide else (other, lengths, vectors.T)


def _ranks(parts: Mapping[str, tuple[Tensor, Tensor, Tensor]], most: float | None) -> dict[str, int]:
    """How many directions of each matrix are kept: those with most squared change for each byte, up to `most` bytes."""
    if most is None:
        return {name: len(values) for name, (_, values, _) in parts.items()}
    names = list(parts)
    cost = {n: 2.0 * (parts[n][0].shape[0] + parts[n][2].shape[1]) for n in names}
    gain = np.concatenate([parts[n][1].square().cpu().numpy() / cost[n] for n in names] or [np.zeros(0)])
    owner = np.repeat(np.arange(len(names)), [len(parts[n][1]) for n in names])
    order = np.argsort(-gain, kind="stable")
    fits = np.cumsum([cost[names[i]] for i in owner[order]]) <= most
    counts = np.bincount(owner[order][fits], minlength=len(names))
    return dict(zip(names, counts.tolist(), strict=True))


def _moved(base: State, name: str, gap: Tensor) -> Tensor:
    if name not in base:
        raise InputError(f"the difference changes {name}, which the network lacks; it was made from another one")
    start = base[name]
    if start.shape != gap.shape:
        raise InputError(f"{name} has shape {tuple(start.shape)}; the difference was made for {tuple(gap.shape)}")
    return (start.float() + gap.to(start.device)).to(start.dtype)
