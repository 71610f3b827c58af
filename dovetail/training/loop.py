"""The one training loop: batches in, a tuned network out, inside a budget of minutes."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dovetail.errors import InputError
from dovetail.training.checkpoint import Checkpoint
from dovetail.training.optimizers import load_optimizer
from dovetail.types import Job, Progress

if TYPE_CHECKING:
    import torch

    from dovetail.training.settings import TuneSettings

_PROBES = 3
_EVERY = 2.0  # seconds between two words of progress
_SAVE_EVERY = 60.0
_TRIAL = 0.2  # share of the minutes after which the pace is believed
_SLACK = 0.05  # share of the steps by which the pace may be wrong
_FIRST = 4  # steps, before which a quicker pace than planned is not believed
_QUICKER = 1.25  # times as many steps must fit as were planned, before more are taken
_STATES = 3  # copies of the trained weights that come later: two moments of the optimizer, the best weights


@dataclass(frozen=True)
class Forecast:
    """What tuning will take, said before it starts."""

    steps: int
    seconds: float
    peak_mb: float

    def __str__(self) -> str:
        return f"{self.steps:,} steps, about {max(self.seconds / 60, 0.1):.1f} min and {self.peak_mb / 1000:.1f} GB"


@dataclass
class Tuned:
    """What tuning did: steps taken, seconds, the score of each validation, and why it ended."""

    steps: int = 0
    seconds: float = 0.0
    peak_mb: float = 0.0  # the most memory that the process has held
    scores: list[tuple[int, float]] = field(default_factory=list)  # step, score (higher is better)
    losses: list[tuple[int, float]] = field(default_factory=list)  # step, mean loss since the entry before
    ended: str = ""
    forecast: Forecast | None = None
    before: float | None = None  # the score before tuning

    @property
    def best(self) -> float | None:
        """The best validation score."""
        return max((score for _, score in self.scores if not math.isnan(score)), default=None)


@dataclass(frozen=True)
class Work:
    """What is tuned and on what.

    `batches(epoch)` gives the batches of an epoch, the same ones for the same epoch; `loss(batch)` a scalar;
    `groups` the optimizer's parameter groups, each with its own peak `lr`; `validate()` a score, higher is better;
    `size(batch)` how large a batch is beside others, so that the largest is tried before memory is forecast.
    What is drawn at random inside `loss` is drawn by torch, whose state a checkpoint keeps.
    """

    model: torch.nn.Module
    groups: Sequence[dict[str, Any]]
    batches: Callable[[int], Sequence[Any]]
    loss: Callable[[Any], torch.Tensor]
    validate: Callable[[], float] | None = None
    size: Callable[[Any], float] | None = None


def tune(work: Work, settings: TuneSettings, *, checkpoint: Checkpoint | None = None) -> Job[Tuned]:
    """Tune the network in place; it ends with the weights that validated best, or the last ones.

    A killed run resumes from its checkpoint with the same batches, and ends as if it had not been killed. `minutes`
    bound the whole of it: as many steps are planned as fit, and fewer later on a machine that has become slower.
    Raises `FloatingPointError` where the loss stops being a number.
    """
    import torch

    torch.manual_seed(settings.seed)
    run = _Run(work, settings)
    run.plan()
    first = run.restore(checkpoint.load()) if checkpoint else 0
    yield Progress("tune", first, run.total, str(run.done.forecast))
    told = saved = time.monotonic()
    for step, batch in run.steps(first):
        run.step(step, batch)
        if run.due(step):
            yield Progress("tune", step, run.total, "checking on held-out labels")
            if run.check(step):
                break
        now = time.monotonic()
        if checkpoint and now - saved >= _SAVE_EVERY:
            saved = now
            checkpoint.save(*run.state())
        if now - told >= _EVERY:
            told = now
            _give_back()
            yield Progress("tune", step, run.total, run.note(step))
    run.finish()
    if checkpoint:
        checkpoint.clear()
    yield Progress("tune", run.total, run.total, run.done.ended)
    return run.done


class _Run:
    """The state of one tuning: optimizer, schedule, averages, best weights."""

    def __init__(self, work: Work, settings: TuneSettings) -> None:
        self.work, self.settings, self.model = work, settings, work.model
        groups = [{**g, "params": [p for p in g["params"] if p.requires_grad]} for g in work.groups]
        self.groups = [g for g in groups if g["params"]]
        self.optimizer = load_optimizer(settings.optimizer, self.groups, settings.weight_decay)
        self.peaks = [g["lr"] for g in self.optimizer.param_groups]
        self.parameters = [p for g in self.groups for p in g["params"]]
        self.average = [p.detach().clone() for p in self.parameters] if settings.average else []
        self.best: list[torch.Tensor] = []
        self.done = Tuned()
        self.started = time.monotonic()
        self.total = self.wanted = self.an_epoch = 1
        self._without_gain = 0
        self._loss, self._since = 0.0, 0

    def plan(self) -> None:
        """Steps that fit the budget, from the time that a few batches and one validation take."""
        batches = self.work.batches(0)
        if not len(batches):
            raise InputError("there is no batch to learn from; expected labels of at least two things that are alike")
        self.an_epoch = len(batches)
        self.total = self.wanted = max(1, round(self.settings.epochs * self.an_epoch))
        took = self._probe([batches[i * (len(batches) - 1) // _PROBES] for i in range(_PROBES)])
        if self.work.size is not None:
            self._probe([max(batches, key=self.work.size)])  # for the memory that it takes
        took += self._probe_validation() / self._between
        if self.settings.minutes:
            left = self.settings.minutes * 60 - self._elapsed()
            self.total = max(min(self.total, int(left / took)), 1)
        weights = sum(p.numel() * p.element_size() for p in self.parameters) / 1e6
        seconds = self._elapsed() + took * self.total
        self.done.forecast = Forecast(self.total, seconds, _peak_mb() + _STATES * weights)

    def _probe(self, batches: Sequence[Any]) -> float:
        """Median seconds of a step; the weights stay as they are."""
        self.model.train()
        times = []
        for batch in batches:
            start = time.monotonic()
            self.work.loss(batch).backward()  # type: ignore[no-untyped-call]
            times.append(time.monotonic() - start)
            self.optimizer.zero_grad(set_to_none=True)
        return 1.1 * sorted(times)[len(times) // 2]

    def _probe_validation(self) -> float:
        if self.work.validate is None:
            return 0.0
        start = time.monotonic()
        self.model.eval()
        self.done.before = self.work.validate()
        return time.monotonic() - start

    @property
    def _between(self) -> int:
        """Steps from one validation to the next."""
        return max(1, self.an_epoch // self.settings.validations)

    def _elapsed(self) -> float:
        return time.monotonic() - self.started

    def steps(self, first: int) -> Iterator[tuple[int, Any]]:
        """Step numbers from 1 and their batches, after the first ones that a checkpoint has seen."""
        step, epoch, start = 0, 0, time.monotonic()
        while step < self.total:
            for batch in self.work.batches(epoch):
                step += 1
                if step > first:
                    yield step, batch
                    self._keep_pace(step, step - first, time.monotonic() - start)
                if step >= self.total:
                    break
            epoch += 1

    def _keep_pace(self, step: int, steps: int, seconds: float) -> None:
        """Other steps than planned where those so far took longer, or much less: the rate then still falls in time."""
        if not self.settings.minutes:
            return
        left = self.settings.minutes * 60 - self._elapsed()
        fit = step + int(max(0.0, left) * steps / seconds)
        if fit < (1 - _SLACK) * self.total and left < (1 - _TRIAL) * self.settings.minutes * 60:
            self.total = max(step, fit)
        elif step == max(_FIRST, self.total // 4) and fit > _QUICKER * self.total:
            self.total = min(self.wanted, int((1 - _SLACK) * fit))

    def _scale(self, step: int) -> float:
        """The share of the peak rate: up in a straight line, then down to almost 0 at the last step."""
        warm = max(1, round(self.settings.warmup * self.total))
        return min(step / warm, max(0.0, (self.total - step + 1) / max(1, self.total - warm + 1)))

    def step(self, step: int, batch: Any) -> None:
        import torch

        self.model.train()
        for group, peak in zip(self.optimizer.param_groups, self.peaks, strict=True):
            group["lr"] = peak * self._scale(step)
        loss = self.work.loss(batch)
        value = float(loss.detach())
        if value != value:
            raise FloatingPointError(f"the loss is not a number at step {step}; try a lower learning rate")
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.parameters, self.settings.clip)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        if self.average:
            decay = min(self.settings.average, (1 + step) / (10 + step))
            torch._foreach_lerp_(self.average, [p.detach() for p in self.parameters], 1 - decay)
        self._loss, self._since = self._loss + value, self._since + 1
        self.done.steps = step

    def due(self, step: int) -> bool:
        """Whether held-out labels are looked at now."""
        return self.work.validate is not None and (step % self._between == 0 or step == self.total)

    def check(self, step: int) -> bool:
        """Score the held-out labels, keep the best weights; whether to stop."""
        assert self.work.validate is not None
        self._flush(step)
        self._swap()
        self.model.eval()
        score = self.work.validate()
        if score > (-math.inf if self.done.best is None else self.done.best):
            self.best = [p.detach().clone() for p in self.parameters]
            self._without_gain = 0
        else:
            self._without_gain += 1
        self.done.scores.append((step, score))
        self._swap()
        if self.settings.patience and self._without_gain >= self.settings.patience:
            self.done.ended = f"no gain on held-out labels in {self._without_gain} checks"
            return True
        return False

    def finish(self) -> None:
        """Leave the best weights in the network."""
        self._flush(self.done.steps)
        kept = self.best or self.average
        if kept:
            for parameter, value in zip(self.parameters, kept, strict=True):
                parameter.data.copy_(value)
        self.model.eval()
        self.done.seconds, self.done.peak_mb = self._elapsed(), _peak_mb()
        steps = self.done.steps
        planned = self.done.forecast.steps if self.done.forecast else steps
        late = f", fewer than the {planned:,} planned: the minutes were over" if steps < planned else ""
        self.done.ended = self.done.ended or f"all {steps:,} steps{late}"

    def state(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        """All that a later process needs: tensors, and facts."""
        import torch

        kept = {"random": torch.get_rng_state()}
        if torch.cuda.is_available():
            kept["random.cuda"] = torch.cuda.get_rng_state()
        for name, values in (("weight", self.parameters), ("average", self.average), ("best", self.best)):
            kept |= {f"{name}.{i}": v for i, v in enumerate(values)}
        for number, moments in self.optimizer.state_dict()["state"].items():
            kept |= {f"optimizer.{number}.{k}": torch.as_tensor(v) for k, v in moments.items()}
        facts = {
            "total": self.total,
            "seconds": self._elapsed(),
            "steps": self.done.steps,
            "scores": self.done.scores,
            "losses": self.done.losses,
            "open": [self._without_gain, self._loss, self._since],
        }
        return kept, facts

    def restore(self, saved: tuple[dict[str, torch.Tensor], dict[str, Any]] | None) -> int:
        """Go on from a state; gives the step at which it was saved, or 0 where there is none that fits."""
        import torch

        if saved is None:
            return 0
        kept, facts = saved
        shapes = [kept[f"weight.{i}"].shape for i in range(sum(name.startswith("weight.") for name in kept))]
        if shapes != [p.shape for p in self.parameters]:
            return 0
        with torch.no_grad():
            for name, values in (("weight", self.parameters), ("average", self.average)):
                for i, value in enumerate(values):
                    value.copy_(kept[f"{name}.{i}"])
        self.best = [kept[f"best.{i}"].to(p.device) for i, p in enumerate(self.parameters) if f"best.{i}" in kept]
        moments: dict[int, dict[str, torch.Tensor]] = {}
        for name, value in kept.items():
            if name.startswith("optimizer."):
                _, number, part = name.split(".", 2)
                moments.setdefault(int(number), {})[part] = value
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": moments})
        torch.set_rng_state(kept["random"])
        if "random.cuda" in kept:
            torch.cuda.set_rng_state(kept["random.cuda"])
        self._remember(facts)
        return self.done.steps

    def _remember(self, facts: dict[str, Any]) -> None:
        self.total, self.done.steps = facts["total"], facts["steps"]
        self.started = time.monotonic() - facts["seconds"]
        self.done.scores = [(step, score) for step, score in facts["scores"]]
        self.done.losses = [(step, loss) for step, loss in facts["losses"]]
        self._without_gain, self._loss, self._since = facts["open"]

    def note(self, step: int) -> str:
        self._flush(step)
        left = self._elapsed() / max(step, 1) * (self.total - step)
        return f"loss {self.done.losses[-1][1]:.3f}, {left / 60:.1f} min left"

    def _flush(self, step: int) -> None:
        if self._since:
            self.done.losses.append((step, self._loss / self._since))
            self._loss, self._since = 0.0, 0

    def _swap(self) -> None:
        """Put the averaged weights into the network, and back."""
        for parameter, mean in zip(self.parameters, self.average, strict=False):
            held = parameter.data.clone()
            parameter.data.copy_(mean)
            mean.copy_(held)


def _give_back() -> None:
    """Hand memory that nothing uses back to the system: batches of many lengths leave the C library's heap in pieces.

    glibc alone knows how; elsewhere nothing happens.
    """
    import ctypes
    import sys

    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)


def _peak_mb() -> float:
    import resource
    import sys

    unit = 1e6 if sys.platform == "darwin" else 1e3  # macOS counts bytes, Linux kilobytes
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
