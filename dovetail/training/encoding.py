"""Tuning a transformer encoder, so that the cosines of its vectors follow the labels.

A lesson gives the batches of an epoch: which texts are read together, and what their vectors should be like. `contrast`
makes one of groups, classes and pairs, `agree` one of graded pairs, `answer` one of judgements; another lesson is
another function of the epoch, and the loop stays the same.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from dovetail.encoders.cross import precision
from dovetail.encoders.pretrained import PACKAGED, backbone
from dovetail.encoders.recipe import pooled
from dovetail.encoders.transformer import TransformerEncoder, batches, padded
from dovetail.training.checkpoint import Checkpoint
from dovetail.training.layers import merged, prepared
from dovetail.training.loop import Tuned, Work, tune
from dovetail.training.losses import multiple_negatives, regression, supervised_contrastive
from dovetail.training.sampling import (
    Array,
    Ints,
    Judged,
    Samples,
    class_balanced,
    pair_batches,
    query_batches,
    with_hard_negatives,
)
from dovetail.training.settings import TuneSettings
from dovetail.types import Job

_ROWS = 16  # texts of like length that go through the network together on a processor


@dataclass(frozen=True)
class Reading:
    """Texts by position (b,), and the loss as a function of their vectors (b, d)."""

    rows: Ints
    loss: Callable[[torch.Tensor], torch.Tensor]


Lesson = Callable[[int], Sequence[Reading]]
"""The batches of an epoch, the same ones for the same epoch."""


class TunableEncoder(torch.nn.Module):
    """A transformer encoder whose weights can change: trains in float32, or automatic bfloat16 where that is fast.

    It is an encoder as any other. `cut` is the share of texts that lose a span of up to four tokens while training.
    """

    def __init__(self, name: str | Path = PACKAGED, *, max_tokens: int = 128, cut: float = 0.0) -> None:
        super().__init__()
        self.start = TransformerEncoder(name, max_tokens=max_tokens)
        self.network = backbone(self.start.folder)
        self.cut = cut
        if torch.cuda.is_available():
            self.network.to("cuda")

    @property
    def dimensions(self) -> int:
        """Length of each vector."""
        return self.start.dimensions

    @property
    def fingerprint(self) -> str:
        """A hash of the weights as they are now, and of how they are read."""
        found = hashlib.blake2b(str(self.start.max_tokens).encode(), digest_size=16)
        for value in self.network.state_dict().values():
            found.update(value.cpu().contiguous().numpy().tobytes())
        return found.hexdigest()

    def forward(self, tokens: Sequence[Sequence[int]]) -> torch.Tensor:
        """Unit vectors (b, d) in float32 of lists of tokens."""
        if self.training and self.cut:
            tokens = [_without_span(one) if torch.rand(()) < self.cut else one for one in tokens]
        order = np.argsort([len(one) for one in tokens], kind="stable")
        at_once = len(order) if self._device.type == "cuda" else _ROWS
        parts = [order[i : i + at_once] for i in range(0, len(order), at_once)]
        found = torch.cat([self._pooled([tokens[i] for i in part]) for part in parts])
        return found[torch.from_numpy(np.argsort(order, kind="stable")).to(found.device)]

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Unit vectors (n, dimensions); an empty text gives the zero vector."""
        ids = self.start.tokens(texts)
        found = np.zeros((len(ids), self.dimensions), np.float32)
        was = self.training
        self.eval()
        with torch.inference_mode():
            rows = self.start.not_empty(ids)
            for part, tokens in batches([ids[i] for i in rows]):
                found[rows[part]] = self._pooled(tokens).cpu().numpy()
        self.train(was)
        return found

    def save(self, folder: str | Path) -> None:
        """Write a folder that `load_encoder`, transformers and sentence-transformers read."""
        folder = Path(folder)
        shutil.copytree(self.start.folder, folder, ignore=shutil.ignore_patterns("*.safetensors", "*.bin", ".*"))
        self.network.save_pretrained(folder)  # type: ignore[operator]

    @property
    def _device(self) -> torch.device:
        return next(self.network.parameters()).device

    def _pooled(self, tokens: Sequence[Sequence[int]]) -> torch.Tensor:
        ids, mask = padded(tokens, self._device)
        with precision():
            states = self.network(input_ids=ids, attention_mask=mask).last_hidden_state
        return pooled(states, mask, self.start.recipe.pooling)


def tune_encoder(
    encoder: TunableEncoder,
    texts: Sequence[str],
    lesson: Lesson,
    settings: TuneSettings,
    *,
    validate: Callable[[], float] | None = None,
    checkpoint: Checkpoint | None = None,
) -> Job[Tuned]:
    """Tune the encoder in place on a lesson about these texts.

    `validate` looks at the encoder and says how good it is; the best weights are kept.
    """
    tokens = encoder.start.tokens(texts)

    def loss(reading: Reading) -> torch.Tensor:
        return reading.loss(encoder([tokens[i] for i in reading.rows.tolist()]))

    groups = prepared(encoder, settings)
    lengths = np.array([len(t) for t in tokens])
    work = Work(encoder, groups, lesson, loss, validate, lambda reading: float(lengths[reading.rows].sum()))
    done = yield from tune(work, settings, checkpoint=checkpoint)
    merged(encoder)
    return done


def contrast(samples: Samples, settings: TuneSettings, *, temperature: float = 0.07, classes: bool = False) -> Lesson:
    """Rows of one group together, all others apart; hard negatives beside their groups, or classes equally often."""
    draw = class_balanced if classes else with_hard_negatives
    group = torch.from_numpy(samples.group)

    def reading(at: Ints) -> Reading:
        return Reading(
            samples.item[at], lambda vectors: supervised_contrastive(vectors, group[at].to(vectors.device), temperature)
        )

    return lambda epoch: [reading(at) for at in draw(samples, settings.batch, seed=(settings.seed, epoch))]


def agree(left: Array, right: Array, grade: Array, settings: TuneSettings) -> Lesson:
    """The cosines of pairs (m,) of texts as great as their grades in [0, 1]; a grade below 0 is passed over."""
    grades = torch.from_numpy(np.asarray(grade, np.float32))
    known = np.where(np.asarray(grade) < 0, -1, 0)

    def reading(at: Ints) -> Reading:
        def loss(vectors: torch.Tensor) -> torch.Tensor:
            one, other = torch.nn.functional.normalize(vectors, dim=1).chunk(2)
            return regression((one * other).sum(1), grades[at].to(vectors.device))

        return Reading(np.concatenate([left[at], right[at]]), loss)

    return lambda epoch: [reading(at) for at in pair_batches(known, settings.batch, seed=(settings.seed, epoch))]


def answer(judged: Judged, settings: TuneSettings, *, temperature: float = 0.05, negatives: int = 3) -> Lesson:
    """Each query nearer to its document than to all other documents in the batch, and to its own worse ones.

    Queries and documents are positions in one list of texts.
    """

    def readings(epoch: int) -> Sequence[Reading]:
        drawn = query_batches(judged, settings.batch, negatives=negatives, seed=(settings.seed, epoch))
        return [_question(q.query, q.positive, q.negatives, q.known, temperature) for q in drawn]

    return readings


def _question(
    query: Array, positive: Array, negatives: Array, known: npt.NDArray[np.bool_], temperature: float
) -> Reading:
    def loss(vectors: torch.Tensor) -> torch.Tensor:
        asked, right, worse = vectors.tensor_split([len(query), 2 * len(query)])
        hard = vectors.new_zeros((*known.shape, vectors.shape[1]))
        hard[torch.from_numpy(known).to(vectors.device)] = worse
        return multiple_negatives(asked, right, hard, temperature)

    return Reading(np.concatenate([query, positive, negatives[known]]), loss)


def _without_span(tokens: Sequence[int]) -> Sequence[int]:
    """Without one to four tokens in a row; the marks at both ends stay. Random as torch's seed says."""
    if len(tokens) < 8:
        return tokens
    start = int(torch.randint(1, len(tokens) - 1, ()))
    end = min(start + int(torch.randint(1, 5, ())), len(tokens) - 1)
    return [*tokens[:start], *tokens[end:]]
