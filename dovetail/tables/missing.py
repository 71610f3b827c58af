"""Which texts stand for a missing value. They count as missing in comparisons, never in the stored data."""

from __future__ import annotations

MISSING = frozenset(
    (
        "",
        "-",
        "--",
        "---",
        ".",
        "?",
        "??",
        "n/a",
        "n.a.",
        "na",
        "nan",
        "nil",
        "none",
        "null",
        "<null>",
        "(null)",
        "\\n",
        "unknown",
        "[unknown]",
        "(unknown)",
        "not available",
        "not applicable",
        "missing",
        "undefined",
        "tbd",
        "#n/a",
        "#ref!",
    )
)
