"""The one training loop: batches in, a tuned network out, inside a budget of minutes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dovetail.training.checkpoint import Checkpoint
from dovetail.types import Job, Progress

if TYPE_CHECKING:
    import torch

    from dovetail.training.settings import TuneSettings

_PROBES = 5
_EVERY = 2.0  # seconds between two words of progress
_SAVE_EVERY = 60.0


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
    scores: list[tuple[int, float]] = field(default_factory=list)  # step, score (higher is better)
    losses: list[tuple[int, float]] = field(default_factory=list)  # step, mean loss since the entry before
    ended: str = ""
    forecast: Forecast | None = None

    @property
    def best(self) -> float | None:
        """The best validation score."""
        return max((score for _, score in self.scores), default=None)


@dataclass(frozen=True)
class Work:
    """What is tuned and on what.

    `batches(epoch)` gives the batches of an epoch, the same ones for the same epoch; `loss(batch)` a scalar;
    `groups` the optimizer's parameter groups, each with its own peak `lr`; `validate()` a score, higher is better.
    """

    model: torch.nn.Module
    groups: Sequence[dict[str, Any]]
    batches: Callable[[int], Sequence[Any]]
    loss: Callable[[Any], torch.Tensor]
    validate: Callable[[], float] | None = None


def tune(work: Work, settings: TuneSettings, *, checkpoint: Checkpoint | None = None) -> Job[Tuned]:
    """Tune the network in place; it ends with the weights that validated best, or the last ones.

    A killed run resumes from its checkpoint with the same batches. Raises `FloatingPointError` where the loss stops
    being a number.
    """
    import torch

    torch.manual_seed(settings.seed)
    run = _Run(work, settings)
    plan = run.forecast()
    run.done.forecast = plan
    first = checkpoint.resume(run.model, run.optimizer, run.average) if checkpoint else 0
    yield Progress("tune", first, plan.steps, str(plan))
    told = saved = time.monotonic()
    for step, batch in run.steps(first):
        run.step(step, batch)
        if run.due(step):
            yield Progress("tune", step, plan.steps, "checking on held-out labels")
            if run.check(step):
                break
        now = time.monotonic()
        if now - told > _EVERY:
            told = now
            yield Progress("tune", step, plan.steps, run.note(step))
        if checkpoint and now - saved > _SAVE_EVERY:
            saved = now
            checkpoint.save(run.model, run.optimizer, run.average, step)
    run.finish()
    if checkpoint:
        checkpoint.clear()
    return run.done


class _Run:
    """The state of one tuning: optimizer, schedule, averages, best weights."""

    def __init__(self, work: Work, settings: TuneSettings) -> None:
        import torch

        self.work, self.settings, self.model = work, settings, work.model
        groups = [{**g, "params": [p for p in g["params"] if p.requires_grad]} for g in work.groups]
        self.groups = [g for g in groups if g["params"]]
        self.optimizer = torch.optim.AdamW(self.groups, weight_decay=settings.weight_decay, fused=True)
        self.peaks = [g["lr"] for g in self.optimizer.param_groups]
        self.parameters = [p for g in self.groups for p in g["params"]]
        self.average = [p.detach().clone() for p in self.parameters] if settings.average else []
        self.best: list[torch.Tensor] = []
        self.done = Tuned()
        self.started = time.monotonic()
        self.total = 1
        self.an_epoch = 1
        self._without_gain = 0
        self._loss, self._since = 0.0, 0

    def forecast(self) -> Forecast:
        """Steps that fit the budget, from the time that a few batches take."""
        batches = self.work.batches(0)
        self.an_epoch = max(1, len(batches))
        self.total = max(1, round(self.settings.epochs * self.an_epoch))
        chosen = [batches[i * len(batches) // _PROBES] for i in range(_PROBES)]
        took = self._probe([chosen[0], *chosen])
        if self.settings.minutes:
            self.total = max(min(self.total, int(self.settings.minutes * 60 / took)), 1)
        return Forecast(self.total, took * self.total, _peak_mb())

    def _probe(self, batches: Iterable[Any]) -> float:
        """Mean seconds of a step, the optimizer's share included; the weights stay as they are."""
        times = []
        for batch in batches:
            start = time.monotonic()
            self.work.loss(batch).backward()  # type: ignore[no-untyped-call]
            times.append(time.monotonic() - start)
            self.optimizer.zero_grad(set_to_none=True)
        times = times[1:]  # the first batch also warms up
        return 1.15 * sum(times) / len(times)

    def steps(self, first: int) -> Iterable[tuple[int, Any]]:
        """Step numbers from 1 and their batches, after the first ones that a checkpoint has seen."""
        self.started = time.monotonic()
        step = 0
        epoch = 0
        while step < self.total:
            for batch in self.work.batches(epoch):
                step += 1
                if step > first:
                    yield step, batch
                if step >= self.total:
                    break
            epoch += 1

    def step(self, step: int, batch: Any) -> None:
        import torch

        self.model.train()
        warm = max(1, round(self.settings.warmup * self.total))
        scale = min(step / warm, max(0.0, (self.total - step + 1) / max(1, self.total - warm + 1)))
        for group, peak in zip(self.optimizer.param_groups, self.peaks, strict=True):
            group["lr"] = peak * scale
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
        if self.work.validate is None:
            return False
        every = max(1, self.an_epoch // self.settings.validations)
        return step % every == 0 or step == self.total

    def check(self, step: int) -> bool:
        """Score the held-out labels, keep the best weights; whether to stop."""
        assert self.work.validate is not None
        self._flush(step)
        self._swap()
        self.model.eval()
        score = self.work.validate()
        if not self.done.scores or score > (self.done.best or 0.0):
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
        self.done.seconds = time.monotonic() - self.started
        self.done.ended = self.done.ended or f"all {self.total:,} steps"

    def note(self, step: int) -> str:
        self._flush(step)
        left = (time.monotonic() - self.started) / max(step, 1) * (self.total - step)
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


def _peak_mb() -> float:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
