"""A made-up report, real-looking, for tests and for trying out the page."""

from __future__ import annotations

import numpy as np

from dovetail.reports.data import BlockingFacts, Curve, Example, QualityFacts, ReportData, SourceFacts, WeakEntity
from dovetail.types import Attribute, AttributeEvidence, Explanation, Interval, Kind


def explained(base: float, *lines: tuple[str, str | None, str | None, float | None, float]) -> Explanation:
    total = base + sum(line[4] for line in lines)
    return Explanation(3, 407, 1 / (1 + np.exp(-total)), base, tuple(AttributeEvidence(*line) for line in lines))


MATCHED = explained(
    -2.1,
    ("name", "Sony 40' Bravia M-Series LCD HDTV - KDL40M4000", "Sony Bravia KDL-40M4000 40 in. LCD TV", 0.78, 3.9),
    ("price", "$1,099.00", "1049.99", 0.95, 0.8),
    ("maker", "Sony", "SONY Corp.", 0.80, 0.4),
    ("description", "1080p resolution, 120 Hz, black finish", None, None, -0.1),
)
MATCHED_TWO = explained(
    -2.1,
    ("name", "Canon PIXMA iP2600 Photo Printer", "Canon Pixma IP-2600 Fotoprinter", 0.86, 4.2),
    ("price", "49.99", "$52.00", 0.96, 0.6),
    ("maker", "Canon", "Canon USA", 0.85, 0.5),
    ("description", "Compact, 4800 x 1200 dpi", "4800 x 1200 dpi colour", 0.66, 0.7),
)
UNCERTAIN = explained(
    -2.1,
    ("name", "Bose Acoustimass 5 Series III Speaker System, black", "Bose Acoustimass 5 Speakers", 0.64, 2.2),
    ("price", "$599.00", None, None, 0.1),
    ("maker", "Bose", "Bose", 1.0, 0.5),
    ("description", "Direct/Reflecting cube speakers", "Direct Reflecting cubes, white", 0.57, -0.4),
)
REFUSED = explained(
    -2.1,
    ("name", "Panasonic Lumix DMC-FX35 10 MP camera silver", "Panasonic Lumix DMC-FX33 8 MP camera silver", 0.88, -1.6),
    ("price", "$299.95", "189.00", 0.63, -0.9),
    ("maker", "Panasonic", "Panasonic", 1.0, 0.5),
    ("description", "25 mm wide angle Leica lens", "28 mm wide angle Leica lens", 0.91, -0.2),
)


def made_report(**changed: object) -> ReportData:
    """The report of two shops' goods; any field can be given another value."""
    at = np.linspace(0, 1, 41)
    precision = 0.55 + 0.44 * at**0.45
    recall = np.clip(0.965 - 0.02 * at - 0.5 * at**6, 0, 1)
    edges = np.linspace(0, 1, 26)
    middle = (edges[1:] + edges[:-1]) / 2
    counts = (9_000 * np.exp(-middle * 22) + 700 * np.exp(-(1 - middle) * 18) + 9).astype(np.int32)
    values: dict[str, object] = {
        "title": "abt.csv and buy.csv",
        "sources": (
            SourceFacts("abt", 1_081, 4, 0, "9d1c6e52a8f00b1e"),
            SourceFacts("buy", 1_092, 5, 3, "41be77302c9da6f4"),
        ),
        "attributes": (
            Attribute("name", Kind.NAME, ("name", "title")),
            Attribute("price", Kind.MONEY, ("price", "list_price")),
            Attribute("maker", Kind.CATEGORY, ("manufacturer", "brand")),
            Attribute("description", Kind.TEXT, ("description", "details")),
            Attribute("stock", Kind.NUMBER, (None, "stock")),
        ),
        "blocking": BlockingFacts(
            8, 6, int(counts.sum()), Interval(0.987, 0.972, 0.996), "estimated",
            "Eight neighbours by words and six by meaning keep the recall that was asked for.",
        ),
        "matcher": "the matcher that ships in the box",
        "threshold": 0.52,
        "review_low": 0.28,
        "review_high": 0.8,
        "quality": QualityFacts(
            Interval(0.931, 0.894, 0.958), Interval(0.902, 0.861, 0.936), Interval(0.916, 0.877, 0.947),
            "estimated", 1_046,
        ),
        "score_edges": edges,
        "score_counts": counts,
        "curve": Curve(
            at, precision, recall,
            np.clip(precision - 0.05 - 0.04 * (1 - at), 0, 1), np.clip(precision + 0.03, 0, 1),
            np.clip(recall - 0.06, 0, 1), np.clip(recall + 0.025, 0, 1), "estimated",
        ),
        "matches": 1_046,
        "uncertain": 137,
        "entities": 1_127,
        "cluster_method": "one record per source",
        "cluster_why": "No table repeats itself, so each row joins at most one row of the other table.",
        "cluster_sizes": {1: 97, 2: 1_018, 3: 11, 4: 1},
        "conflicts": {"name": 988, "price": 611, "description": 402, "maker": 95, "stock": 0},
        "fuse_rules": {"name": "most complete", "price": "median", "description": "longest", "maker": "most frequent"},
        "sample_columns": ("cluster_id", "name", "price", "maker", "description"),
        "sample": (
            ("c-00012", "Sony 40' Bravia M-Series LCD HDTV - KDL40M4000", "1074.50", "Sony", "1080p, 120 Hz"),
            ("c-00013", "Canon PIXMA iP2600 Photo Printer", "51.00", "Canon", "Compact, 4800 x 1200 dpi"),
            ("c-00014", "Bose Acoustimass 5 Series III Speaker System, black", "599.00", "Bose", None),
            ("c-00015", "Garmin nüvi 880 GPS navigator", "429.99", "Garmin", "4.3 inch screen, voice control"),
        ),
        "examples": (
            Example("matched", "abt:38477", "buy:202812", MATCHED),
            Example("matched", "abt:33053", "buy:204471", MATCHED_TWO),
            Example("uncertain", "abt:580", "buy:10225377", UNCERTAIN),
            Example("refused", "abt:36180", "buy:208160", REFUSED),
        ),
        "weak": (WeakEntity("c-00291", 4, 0.61, "abt:5522", "buy:90811", 0.55, (2, 2)),),
        "warnings": ("Column stock of buy has the same value in 99 % of its rows.",),
        "seconds": {"read": 0.2, "align": 0.4, "plan": 3.1, "block": 4.2, "match": 9.7, "cluster": 0.3, "fuse": 0.6},
        "settings": {"recall": None, "max_pairs": None, "threshold": None, "seed": 0},
        "versions": {"dovetail": "0.1.0", "python": "3.11.9", "lightgbm": "4.7.0"},
        "seed": 0,
        "peak_mb": 412.0,
        "made": "21 November 2026, 07:30",
    }  # fmt: skip
    return ReportData(**{**values, **changed})  # type: ignore[arg-type]
