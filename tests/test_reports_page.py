from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from made_report import MATCHED, explained, made_report

from dovetail.reports.data import Example, SourceFacts
from dovetail.reports.page import render, report_json
from dovetail.reports.style import _DARK, _LIGHT
from dovetail.types import Interval

VOID = {"meta", "br", "col", "link", "img", "input", "hr"}


class Reader(HTMLParser):
    """Checks that tags close in order; keeps tags, attributes and text."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.attributes, self.text = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *a) for a in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *a) for a in attrs]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def read(page):
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader


@pytest.fixture(scope="module")
def page():
    return render(made_report())


def test_the_first_screen_says_what_happened(page):
    text = " ".join(" ".join(read(page).text).split()).replace(" ,", ",")
    assert "2,173 rows from 2 tables are 1,127 different things" in text
    assert "1,046 duplicates found" in text
    assert "137 uncertain pairs wait for a person" in text
    assert "90.2 % of all true pairs were found" in text.replace("\u202f", " ")


def test_nothing_is_loaded_and_no_script_runs(page):
    reader = read(page)
    assert not {"script", "link", "iframe", "object", "img"} & set(reader.tags)
    targets = [value for _, name, value in reader.attributes if name in ("src", "href", "xlink:href", "action")]
    assert targets
    assert all(target.startswith("#") for target in targets)
    assert not re.findall(r"url\((?!#|\"?#)[^)]*\)|@import", page)
    assert not [name for _, name, _ in reader.attributes if name.startswith("on")]
    assert "default-src 'none'" in page


def test_ids_are_unique_and_links_arrive(page):
    reader = read(page)
    ids = [value for _, name, value in reader.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    links = {value[1:] for tag, name, value in reader.attributes if tag == "a" and name == "href"}
    assert links <= set(ids)
    assert len(links) == 8


def test_an_estimate_is_never_shown_as_a_measurement(page):
    assert "measured</span>" not in page
    assert "Estimated, not measured" in page
    known = made_report().quality
    measured = type(known)(known.precision, known.recall, known.f1, "measured", 1_097)
    shown = render(made_report(quality=measured, curve=None))
    assert "Measured against 1,097 true pairs" in shown
    assert "Estimated, not measured" not in shown


EVIL = "<script>alert(1)</script>\"'&\x00\ud800\u202eevil<img src=x onerror=alert(1)>"


def test_values_of_data_are_never_interpreted():
    example = Example("matched", EVIL, EVIL, explained(0.0, (EVIL, EVIL, "other " + EVIL, 0.5, 0.5)))
    shown = render(
        made_report(
            title=EVIL,
            made=EVIL,
            sources=(SourceFacts(EVIL, 1, 1, 2, EVIL), SourceFacts("b", 1, 1)),
            entities=1,
            examples=(example,),
            sample_columns=(EVIL,),
            sample=((EVIL,),),
            conflicts={EVIL: 3},
            fuse_rules={EVIL: EVIL},
            warnings=(EVIL,),
            settings={EVIL: EVIL},
            versions={EVIL: EVIL},
            matcher=EVIL,
            cluster_method=EVIL,
            cluster_why=EVIL,
        )
    )
    shown.encode("utf-8")
    reader = read(shown)
    assert not {"script", "img"} & set(reader.tags)
    assert "\x00" not in shown
    assert "".join(reader.text).count("alert(1)") >= 15


def test_long_values_are_cut():
    huge = "x" * 100_000
    example = Example("refused", "a", "b", explained(0.0, ("text", huge, huge + "y", 0.9, 0.1)))
    assert len(render(made_report(examples=(example,), sample=((huge,) * 5,)))) < 120_000


def test_a_report_of_nothing_still_reads():
    nothing = Interval(0.0, 0.0, 1.0)
    known = made_report().quality
    shown = render(
        made_report(
            sources=(SourceFacts("people", 3, 0),),
            attributes=(),
            quality=type(known)(nothing, nothing, nothing, "estimated", 0),
            score_counts=np.zeros(25, np.int32),
            curve=None,
            matches=0,
            uncertain=0,
            entities=3,
            cluster_sizes={},
            conflicts={},
            sample=(),
            examples=(),
            weak=(),
            warnings=(),
            seconds={},
        )
    )
    text = "".join(read(shown).text)
    assert "No rows were merged" in text
    some = replace(known, precision=Interval(0.9, 0.8, 1.0), recall=nothing, pairs=5)
    assert "<b>– of all true pairs were found</b>" in render(made_report(quality=some))
    assert "3 rows from 1 table are 3 different things" in text
    assert "Please look at" not in text


def test_json_is_strict_json_with_the_same_figures():
    data = made_report()
    curve = data.curve
    holes = type(curve)(**{**vars(curve), "precision": np.full_like(curve.precision, np.nan)})
    found = json.loads(json.dumps(report_json(made_report(curve=holes)), allow_nan=False))
    assert (found["format"], found["rows"], found["entities"]) == (1, 2_173, 1_127)
    assert found["quality"]["basis"] == "estimated"
    assert found["quality"]["precision"] == {"value": 0.931, "low": 0.894, "high": 0.958}
    assert found["curve"]["precision"][0] is None
    assert found["examples"][0]["explanation"]["evidence"][0]["importance"] == 3.9
    assert found["cluster_sizes"]["2"] == 1_018


def test_the_sum_line_adds_up(page):
    text = "".join(read(page).text)
    assert "base −2.1 + 3.9 name + 0.8 price + 0.4 maker − 0.1 description = +2.9 log-odds → 95 %" in text
    assert -2.1 + sum(e.importance for e in MATCHED.evidence) == pytest.approx(2.9)


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", [_LIGHT, _DARK], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("ink", "ground"),
    [
        *[(i, g) for i in ("ink", "muted") for g in ("bg", "panel", "soft")],
        ("link", "panel"),
        ("mark-ink", "mark"),
        ("match", "match-soft"),
        ("review", "review-soft"),
        ("refuse", "refuse-soft"),
        ("match", "bg"),
    ],
)
def test_text_can_be_read(theme, ink, ground):
    colours = dict(part.split(":") for part in theme.removeprefix("--").split(";--"))
    light, dark = sorted((luminance(colours[ink]), luminance(colours[ground])), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5
