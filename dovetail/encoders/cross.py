"""The cross-encoder: reads two records at once and says how likely they are the same thing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from dovetail.encoders.low_rank import add_low_rank, load_low_rank, low_rank_difference, save_low_rank
from dovetail.encoders.pretrained import PACKAGED, backbone, fast_bfloat16, folder_of, tokenizer_of
from dovetail.encoders.reading import MARKS, Passage, Sheet, sheet
from dovetail.errors import InputError
from dovetail.tables.atomic import replace_file

_TOKENS_A_BATCH = 6_144
_WORDS = "embeddings.word_embeddings"
_WHOLE, _DIFFERENCE = "reader.safetensors", "difference.safetensors"
_RANK = 96  # directions of a matrix at most; a limit of size keeps fewer


class PairReader(torch.nn.Module):
    """A BERT-like network over `[CLS] left [SEP] right [SEP]` with marks of agreement added to the token vectors."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        width = int(network.config.hidden_size)
        self.network = network
        self.marks = torch.nn.Embedding(MARKS, width)
        self.inner = torch.nn.Linear(2 * width, width)
        self.drop = torch.nn.Dropout(0.1)
        self.outer = torch.nn.Linear(width, 1)
        torch.nn.init.normal_(self.marks.weight, std=0.01)

    def forward(self, given: Sheet) -> torch.Tensor:
        """Log-odds of a match, (b,)."""
        device = self.outer.weight.device
        tokens, mask, side, mark = (
            torch.from_numpy(x).to(device) for x in (given.tokens, given.mask, given.side, given.mark)
        )
        vectors = self.network.get_input_embeddings()(tokens) + self.marks(mark)
        states = self.network(inputs_embeds=vectors, attention_mask=mask, token_type_ids=side).last_hidden_state
        weight = mask[..., None].to(states.dtype)
        mean = (states * weight).sum(1) / weight.sum(1)
        hidden = torch.tanh(self.inner(torch.cat([states[:, 0], mean], dim=1)))
        logits: torch.Tensor = self.outer(self.drop(hidden))[:, 0]
        return logits.float()

    def new_parameters(self) -> list[torch.nn.Parameter]:
        """The parameters that are not of the pre-trained network."""
        return [p for name, p in self.named_parameters() if not name.startswith("network.")]


class CrossEncoder:
    """A pair reader with its tokenizer and the number of tokens that it reads of each record."""

    def __init__(self, name: str | Path = PACKAGED, *, budget: int = 40, seed: int = 0) -> None:
        self.folder = folder_of(name)
        self.budget = budget
        with torch.random.fork_rng(devices=[]):  # the caller's own draws go on as if nothing had been loaded
            torch.manual_seed(seed)
            self.reader = PairReader(backbone(self.folder))
        if torch.cuda.is_available():
            self.reader.to("cuda")
        self.tokenizer = tokenizer_of(self.folder)

    def keep(self, folder: str | Path) -> Path:
        """Write the reader's weights into a folder, the word vectors left out where they are those of the start."""
        from safetensors.torch import save

        home = Path(folder)
        home.mkdir(parents=True, exist_ok=True)
        kept = {k: v.contiguous().half() for k, v in self.reader.state_dict().items() if _WORDS not in k}
        with replace_file(home / _WHOLE) as beside:
            beside.write_bytes(save(kept))
        return home

    def restore(self, folder: str | Path) -> None:
        """Read what `keep` or `keep_difference` wrote."""
        from safetensors import SafetensorError
        from safetensors.torch import load

        whole, difference = Path(folder) / _WHOLE, Path(folder) / _DIFFERENCE
        if whole.is_file():
            try:
                kept = {k: v.float() for k, v in load(whole.read_bytes()).items()}
            except SafetensorError as error:
                raise InputError(f"{whole} is damaged ({error}); train the model again") from None
        elif difference.is_file():
            kept = add_low_rank(self._base, load_low_rank(difference)[0])
        else:
            raise InputError(f"{folder} holds no pair reader; expected {_WHOLE} or {_DIFFERENCE} in it")
        self._check_fits(kept, folder)
        self.reader.load_state_dict(kept, strict=False)

    def keep_difference(self, folder: str | Path, *, megabytes: float) -> Path:
        """Write how the reader differs from the pre-trained network, in at most so many megabytes."""
        home = Path(folder)
        home.mkdir(parents=True, exist_ok=True)
        tuned = {k: v.cpu() for k, v in self.reader.state_dict().items() if _WORDS not in k}
        base = {k: v for k, v in self._base.items() if k in tuned}
        factors = low_rank_difference(base, tuned, _RANK, megabytes=megabytes)
        save_low_rank(home / _DIFFERENCE, factors, {"base": self.folder.name})
        return home

    def _check_fits(self, kept: dict[str, torch.Tensor], folder: str | Path) -> None:
        """Raise `InputError` where weights lack or have what the reader does not; only word vectors may be left out."""
        state = self.reader.state_dict()
        shapes = {name: value.shape for name, value in state.items() if _WORDS not in name}
        odd = sorted(shapes.keys() ^ kept.keys()) or [n for n, s in shapes.items() if kept[n].shape != s]
        if odd:
            raise InputError(
                f"{folder} holds the weights of another network than {self.folder.name}: {odd[0]} does not fit, and "
                f"{len(odd) - 1} more; train the model again"
            )

    @property
    def _base(self) -> dict[str, torch.Tensor]:
        """The pre-trained network's own weights, under the reader's names."""
        state = backbone(self.folder).state_dict()
        return {f"network.{k}": v for k, v in state.items() if _WORDS not in k}

    def logits(self, left: Sequence[Passage], right: Sequence[Passage]) -> Iterator[tuple[npt.NDArray[np.int64], Any]]:
        """Log-odds of each pair, batch by batch of like length: positions and values."""
        self.reader.eval()
        for rows in bucketed([len(a.tokens) + len(b.tokens) + 3 for a, b in zip(left, right, strict=True)]):
            with torch.inference_mode(), precision():
                found = self.reader(sheet([left[i] for i in rows], [right[i] for i in rows]))
            yield rows, found.cpu().numpy()


def precision() -> Any:
    """Automatic bfloat16 where the device multiplies in it."""
    if torch.cuda.is_available():
        return torch.autocast("cuda", torch.bfloat16)
    return torch.autocast("cpu", torch.bfloat16, enabled=fast_bfloat16())


def bucketed(lengths: Sequence[int], most: int = _TOKENS_A_BATCH) -> Iterator[npt.NDArray[np.int64]]:
    """Positions in batches of like length with at most `most` tokens each."""
    order = np.argsort(np.asarray(lengths), kind="stable")[::-1]
    start = 0
    while start < len(order):
        rows = order[start : start + max(1, most // max(1, lengths[order[start]]))]
        yield rows
        start += len(rows)
