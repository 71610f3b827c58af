"""The evaluation of a classifier as one HTML page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dovetail.reports.classes_pictures import cell_name, confusion, reliability, what_mattered
from dovetail.reports.frame import card, framed
from dovetail.reports.sections import table
from dovetail.reports.words import between, count, duration, escaped, plural, share, value
from dovetail.tasks.classify_evaluate import Cell, Evaluated, mitigation_line
from dovetail.version import __version__

_MOST_CLASSES = 200


def render_classes(found: Evaluated, about: Mapping[str, Any]) -> str:
    """The whole page. `about` is the classifier's card. Texts of confused cells are shown escaped and cut."""
    parts = [
        ("warnings", "Please look at", _notes([*about.get("notes", ()), *found.notes])),
        ("ladder", "What each step of the ladder brought", _ladder(about)),
        ("searched", "Which settings mattered", what_mattered(about)),
        ("confused", "Which classes are confused, and where", confusion(found) + _cells(found)),
        ("classes", "Every class", _classes(found)),
        ("levels", "By level of the hierarchy", _levels(found)),
        ("sure", "How far its probabilities can be trusted", reliability(found) + _reliability(found)),
        ("coverage", "What answering only the surest texts gives", _coverage(found)),
        ("groups", "By group of people", _groups(found)),
        ("conflicts", "Equal texts with different labels", _conflicts(found)),
    ]
    footer = (
        f"Made by Dovetail {escaped(__version__)}. This page loads nothing from elsewhere; it contains texts of the "
        "data, so share it as you would share them."
    )
    return framed("Evaluation of a classifier · Dovetail report", _header(found, about) + _cards(found), parts, footer)


def _header(found: Evaluated, about: Mapping[str, Any]) -> str:
    return (
        '<header><div class="eyebrow"><b>Dovetail evaluation</b></div>'
        f"<h1>A classifier of {plural(len(found.classes), 'class', 'classes')} against {plural(found.n, 'text')}</h1>"
        f'<p class="lead">Learnt from {plural(int(about.get("labels", 0)), "labelled text")}; '
        f"{escaped(about.get('why', ''))}. Ranges are 95 % intervals.</p></header>"
    )


def _cards(found: Evaluated) -> str:
    exact = "of the texts have exactly the right labels" if found.kind == "many" else "of the texts are right"
    third = "over all labels of all texts." if found.kind == "many" else "each class as often as it occurs."
    cards = [
        card("Accuracy", share(found.accuracy.value), f"{exact} ({between(found.accuracy)})."),
        card("Macro F1", share(found.macro_f1.value), f"every class counting alike ({between(found.macro_f1)})."),
        card("F1 by frequency", share(found.weighted_f1), third),
        card("Calibration error", share(found.ece), "how far probabilities are from the share that is right."),
    ]
    if found.auroc is not None:
        cards.append(
            card(
                "Outside",
                f"{found.auroc:.3f}",
                "How often a text of no class gets a higher `outside` than a text of one (AUROC).",
            )
        )
    return f'<div class="cards">{"".join(cards)}</div>'


def _notes(notes: Sequence[str]) -> str:
    items = "".join(f"<li>{escaped(note)}</li>" for note in notes)
    return f'<ul class="warn">{items}</ul>' if items else ""


def _ladder(about: Mapping[str, Any]) -> str:
    rows = [
        [
            escaped(r["name"]) + (" <b>(kept)</b>" if r["name"] == about.get("chosen") else ""),
            share(r["score"]),
            f"{r['loss']:.3f}",
            duration(r["seconds"]),
        ]
        for r in about.get("rungs", ())
    ]
    if not rows:
        return ""
    said = "Measured on labels that each step had not seen. The simplest within one standard error of the best is kept."
    head = ("Step", "Right", "Log loss", "Took")
    return f'<p class="note">{said}</p>' + table(head, rows, numbers=(1, 2, 3), label="The ladder")


def _cells(found: Evaluated) -> str:
    return "".join(
        f'<details id="{cell_name(found, c.true, c.predicted)}"><summary><span class="who">'
        f"<bdi>{escaped(c.true)}</bdi> called <bdi>{escaped(c.predicted)}</bdi>"
        f'</span><span class="num">{plural(c.count, "text")}</span></summary><div class="inside"><ul>'
        + "".join(f"<li>{value(text)}</li>" for text in c.texts)
        + f"</ul>{_words_of(c)}</div></details>"
        for c in found.cells
    )


def _words_of(cell: Cell) -> str:
    """What stands for either of the two classes of a cell against the other."""
    told = [
        f"<bdi>{escaped(name)}</bdi>: {escaped(', '.join(words))}"
        for name, words in ((cell.true, cell.words_true), (cell.predicted, cell.words_predicted))
        if words
    ]
    return f'<p class="note">Words that stand for {"; for ".join(told)}.</p>' if told else ""


def _classes(found: Evaluated) -> str:
    shown = found.classes[:_MOST_CLASSES]
    rows = [
        [f"<bdi>{escaped(c.name)}</bdi>", count(c.support), share(c.precision), share(c.recall), share(c.f1)]
        for c in shown
    ]
    more = (
        f"The {_MOST_CLASSES} weakest of {len(found.classes)}." if len(found.classes) > len(shown) else "Weakest first."
    )
    head = ("Class", "Texts", "Precision", "Recall", "F1")
    return f'<p class="note">{more}</p>' + table(head, rows, numbers=(1, 2, 3, 4), label="Every class")


def _levels(found: Evaluated) -> str:
    rows = [[f"Level {i + 1}", share(x.value), between(x)] for i, x in enumerate(found.levels)]
    return table(("Level", "Accuracy", "95 %"), rows, numbers=(1, 2), label="Levels") if rows else ""


def _reliability(found: Evaluated) -> str:
    rows = [[share(said), share(is_.value), between(is_), count(n)] for said, is_, n in found.reliability]
    head = ("Said", "Was right", "95 %", "Texts")
    return table(head, rows, numbers=(0, 1, 2, 3), label="Probabilities said and met") if rows else ""


def _coverage(found: Evaluated) -> str:
    c = found.coverage
    columns = zip(c.coverage.tolist(), c.accuracy.tolist(), c.threshold.tolist(), strict=True)
    rows = [[share(part), share(right), f"{line:.3f}"] for part, right, line in columns]
    head = ("Answered", "Right", "From probability")
    return table(head, rows, numbers=(0, 1, 2), label="Coverage and accuracy") if rows else ""


def _groups(found: Evaluated) -> str:
    rows = [
        [
            f"<bdi>{escaped(g.group)}</bdi>",
            count(g.n),
            *(f"{share(x.value)}<br><small>{between(x)}</small>" for x in (g.accuracy, g.selected, g.found, g.wrong)),
        ]
        for g in found.groups
    ]
    head = ("Group", "Texts", "Accuracy", "Given the class", "Of the class, given it", "Others, given it")
    if not rows:
        return ""
    drawn = table(head, rows, numbers=(1, 2, 3, 4, 5), label="By group")
    if found.mitigation is None:
        return drawn
    return f'{drawn}<p class="note">{escaped(mitigation_line(found.mitigation, found.mitigated or ""))}.</p>'


def _conflicts(found: Evaluated) -> str:
    rows = [
        [value(text), escaped(", ".join(f"{name} ({times})" for name, times in counts.items()))]
        for text, counts in found.conflicts
    ]
    return table(("Text", "Labels"), rows, label="Equal texts with different labels") if rows else ""
