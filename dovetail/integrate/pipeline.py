"""The main job, as a sentence: align, block, match, cluster, fuse."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, TypeVar, cast

import numpy as np

from dovetail.encoders.base import load_encoder
from dovetail.integrate.align import Alignment, align
from dovetail.integrate.cluster import cluster
from dovetail.integrate.fuse import check_fusion, fuse
from dovetail.integrate.repeats import identical_rows, sources_that_repeat
from dovetail.integrate.settings import IntegrateSettings
from dovetail.tasks.block import BlockSettings, block, plan
from dovetail.tasks.block_nets import Nets
from dovetail.tasks.judged import Judged, positions
from dovetail.tasks.labelled import labelled_pairs
from dovetail.tasks.match import Matcher
from dovetail.tasks.match_learn import FitPlan
from dovetail.tasks.records import as_one_source
from dovetail.types import BlockPlan, Candidates, Clusters, Decisions, Fused, Job, Pairs, Progress, Table, finish

if TYPE_CHECKING:
    from dovetail.encoders.base import Encoder
    from dovetail.types import Records

STEPS = ("align", "plan", "block", "fit", "match", "cluster", "fuse")
T = TypeVar("T")


class StepStore(Protocol):
    """Where finished steps are kept, so that an interrupted run goes on from the last one."""

    def recall(self, step: str) -> object | None:
        """The result of a step that finished before with the same inputs, or None."""

    def keep(self, step: str, result: object) -> None:
        """Keep the result of a finished step."""


class Forgetful:
    """Keeps nothing: for runs in memory."""

    def recall(self, step: str) -> object | None:
        """Never anything."""
        del step
        return None

    def keep(self, step: str, result: object) -> None:
        """Let go of it."""


@dataclass(frozen=True)
class Integration:
    """What every step found, and the seconds that each took (0 for a step that was recalled)."""

    alignment: Alignment
    compared: Records  # as the matcher saw them
    plan: BlockPlan
    candidates: Candidates
    decisions: Decisions
    clusters: Clusters
    fused: Fused
    matcher: Matcher
    seconds: Mapping[str, float]
    judged: Judged | None = None  # what a person said
    notes: tuple[str, ...] = ()  # labels that were passed over, and why


@dataclass
class _Steps:
    """Runs each step once: recalls it from the store or does it, and notes the time."""

    store: StepStore
    seconds: dict[str, float]

    def run(self, name: str, job: Callable[[], Job[T]]) -> Job[T]:
        kept = self.store.recall(name)
        if kept is not None:
            yield Progress(name, 1, 1, "finished before")
            self.seconds[name] = 0.0
            return cast(T, kept)
        start = time.perf_counter()
        result = yield from job()
        self.store.keep(name, result)
        self.seconds[name] = round(time.perf_counter() - start, 3)
        return result


def integrate_job(
    tables: Sequence[Table],
    settings: IntegrateSettings,
    *,
    labels: Pairs | None = None,
    truth: Pairs | None = None,
    store: StepStore | None = None,
    matcher: Matcher | None = None,
) -> Job[Integration]:
    """Integrate tables: one table is deduplicated, several are matched and merged.

    `matcher` replaces the one that ships (for measuring it without relatives of a set); `labels` are pairs that a
    person judged: the matcher is then trained on them, if that proves better. Few of them that name no row are set
    aside and said in `notes`; `InputError` where most do, or any of `truth`, which is looked up and no more.
    """
    steps = _Steps(store or Forgetful(), {})
    encoder = load_encoder()
    alignment = yield from steps.run("align", lambda: align(tables, settings.mapping))
    records = alignment.records
    check_fusion(records, settings.rules, settings.trust)  # now, not after hours
    said = None if labels is None else labelled_pairs(records, labels)
    if truth is not None:
        positions(records, truth)
    start = matcher or Matcher.shipped()
    planned = yield from steps.run("plan", lambda: _plan(records, settings, start, encoder))
    compared = compared_records(records, planned)
    candidates = yield from steps.run("block", lambda: block(compared, planned, encoder))
    judged, decider = None, start
    if said is not None:
        judged = said.judged
        decider = yield from steps.run("fit", lambda: _fit(start, compared, candidates, said.judged, settings))
    decisions = yield from steps.run("match", lambda: _decide(decider, compared, candidates, settings))
    clusters = yield from steps.run("cluster", lambda: _cluster(compared, records, decisions, settings, judged))
    fused = yield from steps.run("fuse", lambda: _fuse(records, clusters, settings))
    notes = () if said is None else said.warnings
    return Integration(
        alignment, compared, planned, candidates, decisions, clusters, fused, decider, steps.seconds, judged, notes
    )


def compared_records(records: Records, plan: BlockPlan) -> Records:
    """The records as the matcher sees them: sources that repeat themselves are compared as one, all with all."""
    return as_one_source(records) if plan.settings.get("within") and len(records.sources) > 1 else records


def _plan(records: Records, settings: IntegrateSettings, matcher: Matcher, encoder: Encoder) -> Job[BlockPlan]:
    yield Progress("plan", 0, 3, "reading words")
    nets = Nets(records, encoder)
    repeating = _looks_within(nets, settings)
    if repeating and len(records.sources) > 1:
        nets = Nets(as_one_source(records), encoder)
    wishes = BlockSettings(
        recall=settings.recall,
        max_pairs=settings.max_pairs,
        memory_bytes=settings.memory,
        within=bool(repeating),
        seed=settings.seed,
    )
    planned = yield from plan(
        records, wishes, lambda r, c: matcher.adapted(r, c, finish(matcher.score(r, c)))[0], encoder, nets
    )
    if len(records.sources) == 1:
        return planned
    inside = f"looks for duplicates inside {', '.join(repeating)}, too" if repeating else "no source repeats itself"
    return replace(planned, why=f"{planned.why}; {inside}")


def _looks_within(nets: Nets, settings: IntegrateSettings) -> list[str]:
    """The sources to look for duplicates in: as a person said, the only one, or those that seem to hold some."""
    sources = nets.records.sources
    if len(sources) == 1 or settings.within is True:
        return list(sources)
    return [] if settings.within is False else sources_that_repeat(nets)


def _fit(
    start: Matcher, records: Records, candidates: Candidates, judged: Judged, settings: IntegrateSettings
) -> Job[Matcher]:
    yield Progress("fit", 0, 1, f"training on {len(judged.label):,} labelled pairs")
    quick = FitPlan(effort="quick", seed=settings.seed)  # a network is tuned by `fit match`, not in passing
    fitted = yield from start.fit(records, judged.pairs, judged.label, context=candidates, plan=quick)
    yield Progress("fit", 1, 1, fitted.describe())
    return fitted


def _decide(matcher: Matcher, records: Records, candidates: Candidates, settings: IntegrateSettings) -> Job[Decisions]:
    decisions = yield from matcher.decide(records, candidates, precision=settings.precision)
    if settings.threshold is None:
        return decisions
    line = settings.threshold
    return replace(
        decisions,
        threshold=line,
        review_low=min(line, decisions.review_low),
        review_high=max(line, decisions.review_high),
    )


def _cluster(
    compared: Records, records: Records, decisions: Decisions, settings: IntegrateSettings, judged: Judged | None
) -> Job[Clusters]:
    yield Progress("cluster", 0, 1)
    repeating = compared is not records
    found = cluster(
        records,
        decisions,
        method="correlation" if repeating and settings.clusterer == "auto" else settings.clusterer,
        seed=settings.seed,
        must_link=_certain(compared, judged),
        cannot_link=judged.refusals if judged else None,
    )
    if repeating and settings.clusterer == "auto":
        found = replace(found, why="A source repeats itself, so an entity may hold several records of one source.")
    yield Progress("cluster", 1, 1, f"{len(found.names):,} entities")
    return found


def _certain(compared: Records, judged: Judged | None) -> Candidates | None:
    """Pairs that belong together whatever their score: as judged, and rows of one source that agree in everything.

    Rows that a person told apart, or that stand among judged refusals, are left to the scores.
    """
    said = judged.matches if judged else None
    if len(compared.sources) > 1:
        return said
    same = identical_rows(compared)
    if judged is not None and said is not None:
        refused = np.union1d(judged.refusals.left, judged.refusals.right)
        free = ~(np.isin(same.left, refused) | np.isin(same.right, refused))
        left, right = np.concatenate([said.left, same.left[free]]), np.concatenate([said.right, same.right[free]])
        return Candidates(left, right)
    return same


def _fuse(records: Records, clusters: Clusters, settings: IntegrateSettings) -> Job[Fused]:
    yield Progress("fuse", 0, 1)
    fused = fuse(records, clusters, rules=settings.rules or None, trust=settings.trust or None)
    yield Progress("fuse", 1, 1)
    return fused
