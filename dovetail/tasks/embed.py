"""`Embedder`: a space of texts that labels reshape, so that what is labelled alike lies together."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from dovetail.encoders.base import load_encoder
from dovetail.errors import InputError
from dovetail.tasks.base import model_folder, read_note, write_note
from dovetail.tasks.classify_texts import reader_of
from dovetail.tasks.embed_classes import (
    ClassSettings,
    Taught,
    held_out_classes,
    said_by_names,
    taught_by_classes,
    usual_settings,
)
from dovetail.tasks.embed_head import Head, PlainHead, load_head, plain_part, unit
from dovetail.tasks.embed_pairs import agreement, held_out_pairs, taught_by_pairs
from dovetail.tasks.embed_project import map_of
from dovetail.tasks.embed_scores import SpaceScores, numbered, space_scores
from dovetail.tasks.embed_tune import (
    agreement_with,
    cosines_of_pairs,
    kept_each,
    mean_on,
    proof_of,
    tuned_by_classes,
    tuned_by_pairs,
)
from dovetail.tasks.search_encoder import kept_encoder, name_of, usual_encoder
from dovetail.tasks.search_home import as_made, precision_of
from dovetail.types import Job, Progress, finish

if TYPE_CHECKING:
    from dovetail.encoders.base import Encoder
    from dovetail.training.encoding import TunableEncoder
    from dovetail.training.settings import TuneSettings

_TASK, _FILE, _TUNED = "embed", "head.safetensors", "encoder"
_NO_LABEL = (None, "")
_AS_NAMED = ("static", "layered")
_PACKAGED = {"transformer": "layered"}  # the same network with its lower layers
_PRICES = (256, 128, 64, 32)

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Precedent:
    """A labelled text near a new one: why the space puts it where it does."""

    text: str
    label: str
    cosine: float


class Embedder:
    """An encoder and a head on its vectors. It is an encoder itself: searchers and others can use the space.

    `dimensions` cuts the vectors to their leading directions; `prices` says what that costs. With `tuning`, as
    `TuneSettings(layers="top-2", minutes=10)`, the encoder itself is tuned, too, and kept where that proves better.
    """

    def __init__(
        self,
        *,
        encoder: str | Encoder = "auto",
        dimensions: int | None = None,
        tuning: TuneSettings | None = None,
    ) -> None:
        self.encoder, self.cut, self.tuning = encoder, dimensions, tuning
        self.head_: Head = PlainHead()
        self.kind_ = "none"
        self.deep_ = False  # whether lower layers of the network are read, too
        self.tuned_: Path | None = None  # the folder of an encoder that was tuned here
        self.axes_: Vectors | None = None  # (d, dimensions): the leading directions, where the space is cut
        self.facts_: dict[str, Any] = {}
        self.labelled_: tuple[list[str], list[str]] = ([], [])

    def fit(
        self,
        texts: Sequence[str],
        labels: Sequence[Any],
        *,
        seed: int = 0,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> Embedder:
        """Shape the space by the class of each text; None or "" for texts without label, which help, too.

        The plain space stays where nothing proves better on held-out labels; `facts_["why"]` says what was found.
        """
        return finish(self.fitting(texts, labels, seed=seed), on_progress)

    def fitting(self, texts: Sequence[str], labels: Sequence[Any], *, seed: int = 0) -> Job[Embedder]:
        """`fit` as a job that yields its progress."""
        number, names = _classes(texts, labels)
        self._read(deep=True)
        vectors = yield from self._encoded(texts)
        yield Progress("fit", 0, 1, f"{(number >= 0).sum():,} labels of {len(names):,} classes")
        if self.tuning is not None:
            yield from self._tuning_by_classes(texts, number, vectors, names)
            vectors = self.encoder_.encode(list(texts)) if self.tuned_ else vectors
        taught = taught_by_classes(vectors, number, self._settings(names), seed=seed)
        self._take(taught.head, vectors, taught.why)
        self.labelled_ = (
            [t for t, n in zip(texts, number, strict=True) if n >= 0],
            [names[n] for n in number if n >= 0],
        )
        yield Progress("fit", 1, 1, taught.why)
        return self

    def fit_pairs(
        self,
        left: Sequence[str],
        right: Sequence[str],
        grades: Sequence[float],
        *,
        seed: int = 0,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> Embedder:
        """Shape the space by how alike pairs of texts are: any grades of which more is more alike."""
        return finish(self.fitting_pairs(left, right, grades, seed=seed), on_progress)

    def fitting_pairs(
        self, left: Sequence[str], right: Sequence[str], grades: Sequence[float], *, seed: int = 0
    ) -> Job[Embedder]:
        """`fit_pairs` as a job that yields its progress."""
        graded = _graded(left, right, grades)
        self._read(deep=False)
        vectors = yield from self._encoded([*left, *right])
        yield Progress("fit", 0, 1, f"{len(graded):,} graded pairs")
        taught = taught_by_pairs(vectors[: len(left)], vectors[len(left) :], graded, seed=seed)
        if self.tuning is not None:
            taught = yield from self._tuning_by_pairs(left, right, graded, vectors, taught)
            vectors = self.encoder_.encode([*left, *right]) if self.tuned_ else vectors
        self._take(taught.head, vectors, taught.why)
        yield Progress("fit", 1, 1, taught.why)
        return self

    def _tuning_by_pairs(
        self, left: Sequence[str], right: Sequence[str], graded: npt.NDArray[np.float64], vectors: Vectors, head: Taught
    ) -> Job[Taught]:
        """Tune the encoder where that orders held-out pairs better for sure than the head that they taught."""
        assert self.tuning is not None
        seed, both = self.tuning.seed, (vectors[: len(left)], vectors[len(left) :])
        before = cosines_of_pairs(*both, graded, head.head, seed)
        encoder, after = yield from tuned_by_pairs(name_of(self._wish), left, right, graded, self.tuning)
        proof = proof_of(before, after, agreement_with(graded[held_out_pairs(len(graded), seed)[0]]), seed)
        if not proof.sure:
            said = f"tuning the encoder proved no better ({proof.after:.3f} against {proof.before:.3f})"
            return replace(head, why=f"{head.why}; {said}")
        self._tuned(encoder)
        why = f"rank correlation on held-out pairs: {proof.before:.3f} before, {proof.after:.3f} with the encoder tuned"
        return Taught(PlainHead(), proof.before, proof.after, why)

    def _tuning_by_classes(
        self, texts: Sequence[str], number: npt.NDArray[np.int64], vectors: Vectors, names: Sequence[str]
    ) -> Job[None]:
        """Tune the encoder where a head on it surely keeps held-out labels closer than one on plain vectors."""
        assert self.tuning is not None
        asked = held_out_classes(number, self.tuning.seed)
        before = kept_each(vectors, number, asked, self.tuning.seed, self._settings(names))
        encoder, after = yield from tuned_by_classes(name_of(self._wish), texts, number, self.tuning, names)
        proof = proof_of(before, after, mean_on, self.tuning.seed)
        said = f"held-out labels: {proof.before:.3f} with a head, {proof.after:.3f} with the encoder tuned"
        yield Progress("tune", 1, 1, said)
        if proof.sure:
            self._tuned(encoder)

    def _settings(self, names: Sequence[str]) -> ClassSettings:
        return usual_settings(self._plain, said_by_names(self.encoder_, names))

    def _tuned(self, encoder: TunableEncoder) -> None:
        """Use a tuned encoder from now on; it lies in a folder of its own until the space is saved."""
        home = Path(tempfile.mkdtemp(prefix="dovetail-space-"))
        weakref.finalize(self, shutil.rmtree, home, ignore_errors=True)
        self.tuned_ = kept_encoder(encoder, home)
        self._read(deep=False)

    def _read(self, *, deep: bool) -> None:
        """Read the lower layers of a network, too, or its last one alone; an encoder given as an object stays."""
        if isinstance(self.encoder, str) and self.encoder not in _AS_NAMED:
            wish = self.tuned_ or self._encoder_name
            found = reader_of(_PACKAGED.get(str(wish), wish)) if deep and not self.tuned_ else load_encoder(wish)
            self.deep_, self.__dict__["encoder_"] = hasattr(found, "plain"), found
        elif self.tuned_ is not None:
            self.__dict__["encoder_"] = load_encoder(self.tuned_)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors (n, dimensions) in this space."""
        return self.move(self.encoder_.encode(list(texts)))

    predict = encode

    def move(self, vectors: Vectors) -> Vectors:
        """The same from vectors of `encoder_` (n, d), for those who keep them."""
        moved = self.head_(vectors)
        return moved if self.axes_ is None else unit(moved @ self.axes_)

    def evaluate(self, texts: Sequence[str], labels: Sequence[Any], *, seed: int = 0) -> dict[str, SpaceScores]:
        """How well classes lie together in the plain space and in this one: `before` and `after`."""
        both = self._before_and_after(texts)
        return {name: space_scores(space, labels, seed=seed) for name, space in both.items()}

    def evaluate_pairs(self, left: Sequence[str], right: Sequence[str], grades: Sequence[float]) -> dict[str, float]:
        """Spearman's correlation of cosines and grades in the plain space and in this one: `before` and `after`."""
        graded = _graded(left, right, grades)
        sides = [self._before_and_after(side) for side in (left, right)]
        return {name: agreement(PlainHead(), sides[0][name], sides[1][name], graded) for name in sides[0]}

    def _before_and_after(self, texts: Sequence[str]) -> dict[str, Vectors]:
        vectors = self.encoder_.encode(list(texts))
        start = int(getattr(self.head_, "plain", [0])[0])  # a head on pairs moves all that an encoder gives
        if self.tuned_ is not None:
            before = load_encoder(self._encoder_name).encode(list(texts))
        else:
            before = plain_part(vectors, start)
        return {"before": before, "after": self.move(vectors)}

    def prices(self, texts: Sequence[str], labels: Sequence[Any], *, seed: int = 0) -> dict[int, SpaceScores]:
        """The scores that are left when vectors are cut to fewer dimensions."""
        moved = self.head_(self.encoder_.encode(list(texts)))
        sizes = [moved.shape[1], *(size for size in _PRICES if size < moved.shape[1])]
        return {size: space_scores(unit(moved @ leading(moved, size)), labels, seed=seed) for size in sizes}

    def explain(self, text: str, k: int = 5) -> list[Precedent]:
        """The labelled texts that lie nearest to a text."""
        texts, labels = self.labelled_
        if not texts:
            raise InputError("this space was not shaped by class labels, so there are no labelled texts to name")
        near = self.encode(texts) @ self.encode([text])[0]
        return [Precedent(texts[i], labels[i], float(near[i])) for i in np.argsort(-near, kind="stable")[:k].tolist()]

    def project(
        self, texts: Sequence[str], labels: Sequence[Any] | None = None, *, method: str = "pca", seed: int = 0
    ) -> npt.NDArray[np.float64]:
        """Points (n, 2) of a map: `pca`, `classes` or `umap`. The map is kept: later texts join the old ones."""
        vectors = self.encode(texts)
        if method not in self._maps:
            number = None if labels is None else _numbers(labels)
            self._maps[method] = map_of(vectors, number, method=method, seed=seed)
        return self._maps[method](vectors)

    def save(self, folder: str | Path) -> Path:
        """Write the head into a folder; an encoder given as an object must be given again to `load`."""
        from safetensors.numpy import save

        tensors = {f"head.{k}": v for k, v in self.head_.tensors().items()}
        if self.axes_ is not None:
            tensors["axes"] = self.axes_
        name = self._encoder_name if isinstance(self.encoder, str) else type(self.encoder).__name__
        note = {
            "encoder": name,
            "tuned": self.tuned_ is not None,
            "deep": self.deep_,
            "made_with": self.encoder_.fingerprint,
            "precision": precision_of(self.encoder_),
            "head": self.kind_,
            "facts": self.facts_,
        }
        with model_folder(folder) as home:
            if self.tuned_ is not None:
                shutil.copytree(self.tuned_, home / _TUNED)
            (home / _FILE).write_bytes(save({k: np.ascontiguousarray(v) for k, v in tensors.items()}))
            write_note(home, _TASK, {**note, "labelled": self.labelled_, "version": self.fingerprint})
        return Path(folder)

    @classmethod
    def load(cls, folder: str | Path, *, encoder: str | Encoder | None = None) -> Embedder:
        """Read what `save` wrote; another encoder than the one that the head was made for is refused."""
        from safetensors.numpy import load

        note = read_note(folder, _TASK)
        made = cls(encoder=encoder or note["encoder"])
        if encoder is None and note.get("tuned"):
            made.tuned_ = Path(folder) / _TUNED
        made._read(deep=bool(note.get("deep")))
        as_made(made.encoder_, note.get("precision"))
        if made.encoder_.fingerprint != note["made_with"]:
            raise InputError(
                f"{folder} was made for the encoder {note['encoder']} ({note['made_with'][:8]}), and this is "
                f"{made.encoder_.fingerprint[:8]}; load it with encoder= that one, or fit it again"
            )
        tensors = load((Path(folder) / _FILE).read_bytes())
        head = {k.removeprefix("head."): v for k, v in tensors.items() if k.startswith("head.")}
        made.head_, made.kind_, made.facts_ = load_head(note["head"], head), note["head"], note["facts"]
        made.axes_ = tensors.get("axes")
        made.labelled_ = (note["labelled"][0], note["labelled"][1])
        return made

    @cached_property
    def encoder_(self) -> Encoder:
        """What makes the vectors that the head moves."""
        return load_encoder(self._encoder_name) if isinstance(self.encoder, str) else self.encoder

    @property
    def dimensions(self) -> int:
        """Length of each vector."""
        return len(self.encode(["a"])[0])

    @property
    def fingerprint(self) -> str:
        """The version of the space: it changes with the encoder and with what the head has learned."""
        found = hashlib.blake2b(self.encoder_.fingerprint.encode(), digest_size=16)
        for name, value in sorted(self.head_.tensors().items()):
            found.update(name.encode() + np.ascontiguousarray(value).tobytes())
        if self.axes_ is not None:
            found.update(np.ascontiguousarray(self.axes_).tobytes())
        return found.hexdigest()

    @cached_property
    def _maps(self) -> dict[str, Callable[[Vectors], npt.NDArray[np.float64]]]:
        return {}

    @property
    def _plain(self) -> int:
        """How many of the last values of a vector are the space without labels, where lower layers stand before."""
        return int(getattr(self.encoder_, "plain", 0))

    @property
    def _wish(self) -> Any:
        """What the encoder is loaded by."""
        return self.tuned_ or (self._encoder_name if isinstance(self.encoder, str) else self.encoder)

    @property
    def _encoder_name(self) -> str:
        return usual_encoder() if self.encoder == "auto" else str(self.encoder)

    def _encoded(self, texts: Sequence[str]) -> Job[Vectors]:
        yield Progress("encode", 0, len(texts), f"{len(texts):,} texts")
        vectors = self.encoder_.encode(list(texts))
        yield Progress("encode", len(texts), len(texts))
        return vectors

    def _take(self, head: Head, vectors: Vectors, why: str) -> None:
        kinds = {"PlainHead": "none", "SkipHead": "skip", "ClassHead": "classes"}
        self.head_, self.kind_, self.facts_ = head, kinds[type(head).__name__], {"why": why}
        self.axes_ = None if self.cut is None else leading(head(vectors), self.cut)
        self.__dict__.pop("_maps", None)


def _graded(left: Sequence[str], right: Sequence[str], grades: Sequence[float]) -> npt.NDArray[np.float64]:
    """The grades (m,) of pairs of texts, where they are numbers that differ, one for each pair."""
    found = np.asarray(grades, np.float64)
    odd = np.flatnonzero(~np.isfinite(found))
    if len(odd):
        raise InputError(f"the grade of pair {odd[0] + 1:,} is {found[odd[0]]}; give it a number, or leave it out")
    if not len(left) == len(right) == len(found) or len(found) < 2 or np.ptp(found) == 0:
        raise InputError(
            f"{len(left)} left texts, {len(right)} right texts and {len(found)} grades; expected as many of each, "
            f"with different grades"
        )
    return found


def leading(vectors: Vectors, size: int) -> Vectors:
    """The directions (d, size) that hold most of the vectors (n, d), greatest first: any prefix is a good cut."""
    if not 1 <= size <= vectors.shape[1]:
        raise InputError(f"{size} dimensions were asked for; expected 1 to {vectors.shape[1]}")
    some = vectors[:: max(1, len(vectors) // 20_000)].astype(np.float64)
    values, axes = np.linalg.eigh(some.T @ some)
    return np.asarray(axes[:, np.argsort(-values, kind="stable")[:size]], np.float32)


def _classes(texts: Sequence[str], labels: Sequence[Any]) -> tuple[npt.NDArray[np.int64], list[str]]:
    """The class of each text as a number, -1 without label; and the names of the classes."""
    if len(texts) != len(labels):
        raise InputError(f"{len(texts):,} texts and {len(labels):,} labels; expected one label for each text")
    number = _numbers(labels)
    names = sorted({str(label) for label in labels if label not in _NO_LABEL})
    if len(names) < 2:
        raise InputError(f"the labels have {len(names)} classes; expected two or more")
    return number, names


def _numbers(labels: Sequence[Any]) -> npt.NDArray[np.int64]:
    known = np.array([label not in _NO_LABEL for label in labels], bool)
    found = np.full(len(labels), -1, np.int64)
    if known.any():
        found[known] = numbered([label for label in labels if label not in _NO_LABEL])
    return found
