"""What training a matcher came to, as one HTML page: figures, what was tried, what it cost and brought."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from dovetail.reports.frame import card, framed
from dovetail.reports.sections import bars, escaped_lines, table
from dovetail.reports.words import between, count, duration, escaped, estimate, plural, share
from dovetail.tasks.card import ModelCard
from dovetail.types import Interval
from dovetail.version import __version__

_STAGES = ("What", "Used", "Log loss before", "after", "F1 before", "after", "Time")
_TRIALS = 12  # that a table of trials lists


def render_fit(model: ModelCard, facts: Mapping[str, Any]) -> str:
    """The whole page, from a model card and what its matcher knows of its training; no row of a table is on it."""
    parts = [
        ("warnings", "Please look at", _warnings(model)),
        ("tried", "What was tried", _tried(facts)),
        ("search", "What mattered", _search(facts.get("search", {}))),
        ("review", "What goes to a person", _review(model.figures)),
        ("limits", "What it is for", _limits(model)),
        ("made", "How it was made", _made(model)),
    ]
    footer = f"Made by Dovetail {escaped(__version__)}. This page holds figures only and loads nothing from elsewhere."
    return framed("Training of a matcher · Dovetail report", _header(model) + _cards(model.figures), parts, footer)


def _header(model: ModelCard) -> str:
    known = plural(int(model.labels.get("match", 0)) + int(model.labels.get("not", 0)), "judged pair")
    said = model.summary[:1].upper() + model.summary[1:]
    return (
        f'<header><div class="eyebrow"><b>Dovetail training</b><span>{escaped(model.made)}</span></div>'
        f'<h1>A matcher from {known}</h1><p class="lead">{escaped(said)}.</p></header>'
    )


def _cards(figures: Mapping[str, Any]) -> str:
    if not figures.get("held_out_pairs"):
        few = "Too few labels to hold some out: give at least 40, or judge some pairs apart and evaluate on them."
        return f'<div class="cards">{card("Held-out labels", "0", few)}</div>'
    said = {
        "precision": ("Precision", "of the pairs called a match are one"),
        "recall": ("Recall", "of the matches are found"),
        "f1": ("F1", "both in one figure"),
    }
    made = []
    for name, (title, words) in said.items():
        found = _interval(figures, name)
        made.append(card(title, estimate(found), f"{words} ({between(found)})."))
    error = share(float(figures["ece"]))
    made.append(card("Calibration error", error, "how far scores are from the share of matches, on average."))
    note = f"On {count(int(figures['held_out_pairs']))} held-out labelled pairs, {escaped(figures.get('how', ''))}."
    return f'<div class="cards">{"".join(made)}</div><p class="note" style="grid-column:1/-1">{note}</p>'


def _warnings(model: ModelCard) -> str:
    items = "".join(f"<li>{escaped(warning)}</li>" for warning in model.warnings)
    return f'<ul class="warn">{items}</ul>' if items else ""


def _tried(facts: Mapping[str, Any]) -> str:
    """A line for each stage: what it decided better, what it took, whether it is used."""
    rows = []
    if "f1_fitted" in facts or "f1_start" in facts:
        experts = list(facts.get("experts", {}).values())
        trees = experts[0]["f1_before"] if experts else facts.get("f1_fitted")
        loss = experts[0]["log_loss_before"] if experts else None
        rows.append(["Trees on these labels", "yes", "–", _loss(loss), _f1(facts.get("f1_start")), _f1(trees), "–"])
    if (few := facts.get("few")) is not None:
        name = f"Scores moved by {plural(few['labels'], 'label')}"
        rows.append(_stage(name, few | {"kept": few["adopted"]}))
    rows += [_stage(f"Network: {name}", told) for name, told in facts.get("experts", {}).items()]
    if not rows:
        return ""
    said = (
        "Each stage is used only if it decides labels better that it has not seen. F1 here is at its own best "
        "threshold, so it is a little higher than the figures above."
    )
    shown = table(_STAGES, rows, numbers=(2, 3, 4, 5, 6), label="Stages of the training")
    return f'<p class="note">{said}</p>{shown}'


def _stage(name: str, told: Mapping[str, Any]) -> list[str]:
    seconds = told.get("seconds")
    cells = [escaped(name), "yes" if told.get("kept") else "no"]
    cells += [_loss(told.get("log_loss_before")), _loss(told.get("log_loss"))]
    cells += [_f1(told.get("f1_before")), _f1(told.get("f1"))]
    return [*cells, "–" if seconds is None else duration(float(seconds))]


def _search(searches: Mapping[str, Any]) -> str:
    return "".join(_searched(name, found) for name, found in searches.items())


def _searched(name: str, found: Mapping[str, Any]) -> str:
    """One search of settings: what it came to, what mattered, the trials."""
    trials = found.get("trials", [])
    states: dict[str, int] = {}
    for trial in trials:
        states[trial["state"]] = states.get(trial["state"], 0) + 1
    listed = ", ".join(f"{n} {state}" for state, n in states.items())
    came = "are used" if found.get("adopted") else "are not used: held-out labels are decided no better by them"
    said = f"{plural(len(trials), 'trial')} ({escaped(listed)}) in {duration(float(found.get('seconds', 0)))}. "
    said += f"Searched settings {came}"
    if "log_loss_searched" in found:
        said += (
            f" (log loss {found['log_loss_defaults']:.4f} with the usual settings, {found['log_loss_searched']:.4f} "
        )
        said += f"searched; F1 {_f1(found['f1_defaults'])} and {_f1(found['f1_searched'])})"
    return f"<h3>Settings of the {escaped(name)}</h3><p>{said}.</p>{_mattered(found)}{_trials(found, trials)}"


def _mattered(found: Mapping[str, Any]) -> str:
    importance = found.get("importance") or {}
    if not importance:
        return '<p class="note">Too few trials finished to say what mattered.</p>'
    ordered = sorted(importance.items(), key=lambda item: -item[1])
    shown = bars([(escaped(_named(name)), part) for name, part in ordered], show=share)
    best, usual = found.get("best", {}), found.get("defaults", {})
    rows = [[escaped(_named(n)), escaped(_short(usual.get(n))), escaped(_short(best.get(n)))] for n, _ in ordered]
    lines = table(("Setting", "Usual", "Best found"), rows, numbers=(1, 2), label="Settings")
    said = "The share that each setting had in a trial being among the better ones."
    return f'<div class="panel"><p class="note">{said}</p>{shown}</div>{lines}'


def _trials(found: Mapping[str, Any], trials: list[Mapping[str, Any]]) -> str:
    """The best trials, and how many more there were."""
    finished = sorted((t for t in trials if t["state"] == "finished"), key=lambda t: t["value"])[:_TRIALS]
    if not finished:
        return ""
    usual = found.get("defaults", {})
    rows = [
        [count(t["number"]), f"{t['value']:.4f}", duration(float(t["seconds"])), escaped(_unlike(t["chosen"], usual))]
        for t in finished
    ]
    shown = table(("Trial", "Loss", "Time", "Other than usual"), rows, numbers=(0, 1, 2), label="Trials")
    title = f"The {len(rows)} best of {plural(len(trials), 'trial')}"
    return f'<details><summary><span class="who">{title}</span></summary><div class="inside">{shown}</div></details>'


def _unlike(chosen: Mapping[str, Any], usual: Mapping[str, Any]) -> str:
    other = [f"{_named(n)} {_short(v)}" for n, v in chosen.items() if v != usual.get(n)]
    return ", ".join(other) or "the usual settings"


def _review(figures: Mapping[str, Any]) -> str:
    if "review_share" not in figures:
        return ""
    named = (
        ("To review", "review_share", "of the pairs go to a person"),
        ("Decided right", "right_outside_review", "of the other pairs"),
        ("Matches lost", "matches_lost_outside_review", "of all matches are called not"),
    )
    cells = ""
    for title, name, words in named:
        found = _interval(figures, name)
        cells += f'<div class="panel"><dt>{title}</dt><dd>{share(found.value)}'
        cells += f"<small>{words}<br>{between(found)}</small></dd></div>"
    low, high = float(figures["review_from"]), float(figures["review_to"])
    said = (
        f"From a score of {high:.3f} on a pair is a match, below {low:.3f} it is not; between, a person should look. "
    )
    said += (
        "Candidates of whole tables hold fewer matches than labels usually do, so a smaller share of them is unsure."
    )
    if high <= low:
        said = (
            f"From a score of {high:.3f} on a pair is a match, below it is not: on either side decisions are already "
            f"as right as was asked, so none goes to a person. A higher `sure` asks for more."
        )
    return f'<p class="note">{said}</p><dl class="pairs">{cells}</dl>'


def _limits(model: ModelCard) -> str:
    items = "".join(f"<li>{escaped(limit)}</li>" for limit in model.limits)
    return f"<p>{escaped(model.intended_use)}</p><ul>{items}</ul>"


def _made(model: ModelCard) -> str:
    rows = [[escaped(d.name), count(d.rows), escaped(", ".join(d.columns))] for d in model.data]
    tables = table(("Table", "Rows", "Columns"), rows, numbers=(1,), label="Tables")
    facts = {
        "Settings": json.dumps(dict(model.settings), indent=1, ensure_ascii=False, default=str),
        "Labels": "\n".join(f"{name}: {number}" for name, number in model.labels.items()),
        "Versions": "\n".join(f"{name} {value}" for name, value in model.versions.items()),
        "Hashes of the data": "\n".join(f"{d.name}: {d.hash}" for d in model.data),
    }
    folded = "".join(
        f'<details><summary><span class="who">{title}</span></summary><div class="inside"><pre>{escaped_lines(text)}'
        "</pre></div></details>"
        for title, text in facts.items()
    )
    return f"<p>Trained in {duration(model.seconds)}.</p>{tables}{folded}"


def _interval(figures: Mapping[str, Any], name: str) -> Interval:
    return Interval(*(float(figures[f"{name}{end}"]) for end in ("", "_low", "_high")))


def _named(name: str) -> str:
    return name.replace("_", " ")


def _short(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _loss(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _f1(value: float | None) -> str:
    return "–" if value is None else share(value)
