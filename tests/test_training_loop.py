"""The loop learns, repeats with its seed, goes on after a kill as if nothing had happened, and keeps to its budget."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_clock import Clock

torch = pytest.importorskip("torch")

from dovetail.errors import InputError  # noqa: E402
from dovetail.training import loop  # noqa: E402
from dovetail.training.checkpoint import Checkpoint, recipe_of  # noqa: E402
from dovetail.training.loop import Tuned, Work, tune  # noqa: E402
from dovetail.training.settings import TuneSettings  # noqa: E402
from dovetail.types import finish  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")
PLAIN = TuneSettings(head_rate=0.05, epochs=4, weight_decay=0.0, dropout=0.0, warmup=0.1)


def network(seed: int = 0) -> Any:
    torch.manual_seed(seed)
    return torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Dropout(0.2), torch.nn.Tanh(), torch.nn.Linear(8, 1))


def lessons(batches: int = 10, seed: int = 0) -> list[tuple[Any, Any]]:
    some = torch.Generator().manual_seed(seed)
    given = [torch.randn(16, 4, generator=some) for _ in range(batches)]
    return [(x, x.sum(1, keepdim=True).tanh()) for x in given]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(loop, "time", made)
    return made


def work(model: Any, validate: Callable[[], float] | None = None, lasting: Callable[[], None] = lambda: None) -> Work:
    data = lessons()

    def batches(epoch: int) -> list[Any]:
        order = torch.randperm(len(data), generator=torch.Generator().manual_seed(epoch)).tolist()
        return [data[i] for i in order]

    def loss(batch: Any) -> Any:
        lasting()
        return (model(batch[0]) - batch[1]).square().mean()

    return Work(model, [{"params": list(model.parameters()), "lr": PLAIN.head_rate}], batches, loss, validate)


def error(model: Any) -> float:
    """On data that training does not see."""
    model.eval()
    with torch.no_grad():
        return float(torch.stack([(model(x) - y).square().mean() for x, y in lessons(5, seed=9)]).mean())


def weights(model: Any) -> list[Any]:
    return [p.detach().clone() for p in model.parameters()]


def same(one: Any, other: Any) -> bool:
    return all(torch.equal(a, b) for a, b in zip(weights(one), weights(other), strict=True))


# learning


def test_it_learns_and_says_what_it_did() -> None:
    model = network()
    before = error(model)
    seen = []
    done = finish(tune(work(model), PLAIN), seen.append)
    assert error(model) < 0.3 * before
    assert done.steps == 40
    assert done.ended == "all 40 steps"
    assert done.forecast is not None
    assert done.forecast.steps == 40
    assert done.losses[-1][1] < done.losses[0][1] or len(done.losses) == 1
    assert seen[0].total == 40
    assert not model.training


def test_one_seed_one_result() -> None:
    models = [network() for _ in range(3)]
    for model, seed in zip(models, (5, 5, 6), strict=True):
        finish(tune(work(model), replace(PLAIN, seed=seed)))
    assert same(models[0], models[1])
    assert not same(models[0], models[2])


def test_the_rate_rises_and_falls() -> None:
    model = network()
    given = work(model)
    rates = []
    run = loop._Run(given, PLAIN)
    run.plan()
    for step, batch in run.steps(0):
        run.step(step, batch)
        rates.append(run.optimizer.param_groups[0]["lr"])
    assert rates[:4] == pytest.approx([0.0125, 0.025, 0.0375, 0.05])
    assert rates[4:] == sorted(rates[4:], reverse=True)
    assert rates[-1] == pytest.approx(0.05 / 37)


def test_frozen_parameters_stay() -> None:
    model = network()
    model[0].weight.requires_grad_(False)
    before = weights(model)
    finish(tune(work(model), PLAIN))
    assert torch.equal(model[0].weight, before[0])
    assert not torch.equal(model[0].bias, before[1])


def test_half_an_epoch_and_one_batch() -> None:
    assert finish(tune(work(network()), replace(PLAIN, epochs=0.5))).steps == 5
    one = work(network())
    assert finish(tune(replace(one, batches=lambda epoch: one.batches(epoch)[:1]), PLAIN)).steps == 4


def test_nothing_to_learn_from_is_said() -> None:
    given = replace(work(network()), batches=lambda epoch: [])
    with pytest.raises(InputError, match="no batch"):
        finish(tune(given, PLAIN))


def test_a_loss_that_is_no_number_stops() -> None:
    model = network()
    with pytest.raises(FloatingPointError, match="learning rate"):
        finish(tune(replace(work(model), loss=lambda batch: model(batch[0]).mean() * float("nan")), PLAIN))


# held-out labels


@pytest.mark.parametrize("average", [0.0, 0.9])
def test_the_best_weights_are_kept(average: float) -> None:
    """Scores as written down: the third is the best, and its weights come back."""
    model = network()
    scores, held = iter([-9.0, -3.0, -2.0, -1.0, -2.0]), []

    def validate() -> float:
        held.append(weights(model))
        return next(scores)

    done = finish(tune(work(model, validate), replace(PLAIN, average=average)))
    assert [s for s, _ in done.scores] == [10, 20, 30, 40]
    assert (done.before, done.best) == (-9.0, -1.0)
    assert all(torch.equal(a, b) for a, b in zip(weights(model), held[3], strict=True))


def test_patience_ends_early() -> None:
    scores = iter([0.9, 0.5, 0.4, 0.5, 0.3])
    done = finish(tune(work(network(), lambda: next(scores)), replace(PLAIN, epochs=9, patience=2)))
    assert done.steps == 30
    assert "no gain" in done.ended


def test_validation_leaves_no_trace() -> None:
    """A run with validation whose best is the last one ends where a run without validation does."""
    looked, plain = network(), network()
    rising = iter(range(100))
    finish(tune(work(looked, lambda: float(next(rising))), replace(PLAIN, validations=3)))
    finish(tune(work(plain), PLAIN))
    assert same(looked, plain)


def test_the_mean_of_the_weights() -> None:
    plain, averaged = network(), network()
    path = []

    def watched(batch: Any) -> Any:
        path.append(weights(plain))
        return given.loss(batch)

    given = work(plain)
    finish(tune(replace(given, loss=watched), PLAIN))
    finish(tune(work(averaged), replace(PLAIN, average=0.5)))
    expected = path[0]
    for step, now in enumerate([*path[loop._PROBES + 1 :], weights(plain)], 1):
        decay = min(0.5, (1 + step) / (10 + step))
        expected = [torch.lerp(a, b, 1 - decay) for a, b in zip(expected, now, strict=True)]
    for found, wanted in zip(weights(averaged), expected, strict=True):
        torch.testing.assert_close(found, wanted)


# killed and resumed


def killed(model: Any, folder: Path, after: int, settings: TuneSettings, validate: Any = None) -> Tuned | None:
    """Run, saving at every step, until `after` steps are done; then the process is gone."""
    job = tune(work(model, validate), settings, checkpoint=Checkpoint(folder, "recipe"))
    for progress in job:
        if progress.done >= after:
            return None
    return None


@pytest.fixture
def every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "_SAVE_EVERY", 0.0)
    monkeypatch.setattr(loop, "_EVERY", 0.0)


@pytest.mark.usefixtures("every_step")
@pytest.mark.parametrize("average", [0.0, 0.9])
def test_a_killed_run_ends_as_if_it_had_not_been(tmp_path: Path, average: float) -> None:
    settings = replace(PLAIN, average=average, validations=2)
    whole, half, rest = network(), network(), network(seed=3)
    scores = [0.1, 0.9, 0.3, 0.2, 0.4, 0.5, 0.6, 0.7]  # the best one comes before the kill

    def scored(start: int = 0) -> Callable[[], float]:
        left = iter([0.0, *scores[start:]])
        return lambda: next(left)

    expected = finish(tune(work(whole, scored()), settings))
    killed(half, tmp_path / "run", 23, settings, scored())
    done = finish(tune(work(rest, scored(4)), settings, checkpoint=Checkpoint(tmp_path / "run", "recipe")))
    assert same(whole, rest)
    assert done.scores == expected.scores
    assert done.steps == 40
    assert not (tmp_path / "run").exists()


@pytest.mark.usefixtures("every_step")
def test_another_recipe_starts_anew(tmp_path: Path) -> None:
    half, other, whole = network(), network(), network()
    killed(half, tmp_path, 23, PLAIN)
    assert (tmp_path / "checkpoint.safetensors").is_file()
    steps = []
    finish(tune(work(other), PLAIN, checkpoint=Checkpoint(tmp_path, "other")), lambda p: steps.append(p.done))
    assert steps[0] == 0
    finish(tune(work(whole), PLAIN))
    assert same(whole, other)


@pytest.mark.parametrize("content", [b"", b"half a file", (1 << 62).to_bytes(8, "little")])
def test_a_broken_checkpoint_starts_anew(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "checkpoint.safetensors").write_bytes(content)
    model, whole = network(), network()
    finish(tune(work(model), PLAIN, checkpoint=Checkpoint(tmp_path, "recipe")))
    finish(tune(work(whole), PLAIN))
    assert same(model, whole)


def test_a_recipe_names_settings_and_data_but_not_the_minutes() -> None:
    label = np.array([0, 1, 1])
    recipe = recipe_of(PLAIN, label, ["a", "b"])
    assert recipe == recipe_of(replace(PLAIN, minutes=3.7), label.copy(), ["a", "b"])
    others = (PLAIN, label, ["a"]), (PLAIN, 1 - label, ["a", "b"]), (replace(PLAIN, epochs=5), label, ["a", "b"])
    assert len({recipe, *(recipe_of(*other) for other in others)}) == 4


# the budget


def lasts(clock: Clock, *seconds: float) -> Callable[[], None]:
    """A batch takes these seconds, one after the other; the last of them from then on."""
    left = list(seconds)

    def wait() -> None:
        clock.now += left.pop(0) if len(left) > 1 else left[0]

    return wait


def test_the_forecast_holds(clock: Clock) -> None:
    def validate() -> float:
        clock.now += 5.0
        return 0.0

    done = finish(tune(work(network(), validate, lasts(clock, 2.0)), PLAIN))
    assert done.forecast is not None
    assert done.seconds == 3 * 2 + 5 + 40 * 2 + 4 * 5
    assert done.forecast.seconds == pytest.approx(done.seconds, rel=0.1)
    assert done.forecast.peak_mb > 50
    assert "40 steps, about 2." in str(done.forecast)


def test_fewer_steps_are_planned_where_time_is_short(clock: Clock) -> None:
    done = finish(tune(work(network(), lasting=lasts(clock, 1.0)), replace(PLAIN, epochs=50, minutes=1.0)))
    assert done.forecast is not None
    assert done.steps == done.forecast.steps == int(57 / 1.1)
    assert done.seconds <= 60
    assert done.ended == "all 51 steps"


def test_a_machine_that_slows_down_does_not_break_the_budget(clock: Clock) -> None:
    """Quick while it is probed, four times slower after: it ends in time, and the rate has fallen by then."""
    model = network()
    given = work(model, lasting=lasts(clock, *[0.5] * 8, 2.0))
    run = loop._Run(given, replace(PLAIN, epochs=50, minutes=1.0))
    run.plan()
    rates = []
    for step, batch in run.steps(0):
        run.step(step, batch)
        rates.append(run.optimizer.param_groups[0]["lr"])
    run.finish()
    assert 25 < run.done.steps < 40
    assert run.done.seconds <= 63
    assert rates[-1] < 0.1 * max(rates)
    assert run.done.ended.startswith(f"all {run.done.steps} steps, fewer than the 106 planned")


def test_a_machine_that_was_busy_while_it_was_probed_does_not_cost_most_of_the_lesson(clock: Clock) -> None:
    """Ten times slower while it is probed: more steps are taken than planned, yet no more than were wanted."""
    given = work(network(), lasting=lasts(clock, *[5.0] * 3, 0.5))
    done = finish(tune(given, replace(PLAIN, epochs=50, minutes=1.0)))
    assert done.forecast is not None
    assert done.forecast.steps < 10
    assert 40 < done.steps <= 90
    assert done.seconds <= 61
    few = finish(tune(work(network(), lasting=lasts(clock, *[5.0] * 3, 0.5)), replace(PLAIN, epochs=2, minutes=1.0)))
    assert few.steps <= round(2 * len(given.batches(0)))


def test_the_largest_batch_is_tried_before_memory_is_forecast() -> None:
    given, tried = work(network()), []
    largest = replace(given, size=lambda batch: float(batch[0].abs().sum()))

    def loss(batch: Any) -> Any:
        tried.append(float(batch[0].abs().sum()))
        return given.loss(batch)

    run = loop._Run(replace(largest, loss=loss), PLAIN)
    run.plan()
    assert max(tried) == max(float(batch[0].abs().sum()) for batch in given.batches(0))
    assert len(tried) == 4


def test_a_resumed_run_does_not_get_its_minutes_twice(
    clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "_SAVE_EVERY", 0.0)
    settings = replace(PLAIN, epochs=50, minutes=1.0)
    job = tune(work(network(), lasting=lasts(clock, 1.0)), settings, checkpoint=Checkpoint(tmp_path))
    while next(job).done < 30:
        pass
    job.close()
    clock.now += 3600.0
    done = finish(tune(work(network(), lasting=lasts(clock, 1.0)), settings, checkpoint=Checkpoint(tmp_path)))
    assert 45 <= done.steps <= 51
    assert done.seconds <= 61


# settings


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"warmup": 1.0}, "warmup is 1.0"),
        ({"dropout": -0.1}, "dropout"),
        ({"average": 1}, "average"),
        ({"learning_rate": 0}, "learning_rate is 0"),
        ({"epochs": -1}, "epochs"),
        ({"batch": 0}, "batch"),
        ({"minutes": 0}, "minutes"),
        ({"validations": 0}, "validations"),
        ({"patience": -1}, "patience"),
        ({"weight_decay": -0.1}, "weight_decay"),
        ({"layers": "lower"}, "layers"),
        ({"epochs": float("nan")}, "epochs"),
    ],
)
def test_impossible_settings_are_refused_at_once(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        TuneSettings(**changed)
