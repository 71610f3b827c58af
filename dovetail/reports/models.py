"""A model card as a page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dovetail.reports.frame import framed
from dovetail.reports.sections import table
from dovetail.reports.words import escaped, value

_MOST = 200  # lines of one section
_DEEP = 3  # levels of a value that are spelled out


def render_model(name: str, card: Mapping[str, Any]) -> str:
    """The whole page; every value is escaped."""
    plain = {k: v for k, v in card.items() if not isinstance(v, Mapping | list | tuple)}
    parts = [("facts", "At a glance", _lines(plain))]
    for key, found in card.items():
        if isinstance(found, Mapping | list | tuple) and found:
            parts.append((f"part-{len(parts)}", escaped(key.replace("_", " ").capitalize()), _section(found)))
    top = f"<header><h1>{escaped(name)}</h1><p>{escaped(card.get('summary', card.get('why', '')))}</p></header>"
    return framed(f"{name} · Dovetail model", top, parts, "Model card, as it was saved with the model.")


def _section(found: Any) -> str:
    if isinstance(found, Mapping):
        return _lines(found)
    if all(isinstance(one, Mapping) for one in found):
        heads = list(dict.fromkeys(str(k) for one in found for k in one))[:12]
        rows = [[_cell(one.get(h)) for h in heads] for one in found[:_MOST]]
        return table([escaped(h) for h in heads], rows, label="values")
    return "<ul>" + "".join(f"<li>{_cell(one)}</li>" for one in found[:_MOST]) + "</ul>"


def _lines(found: Mapping[str, Any]) -> str:
    rows = [[escaped(k), _cell(v)] for k, v in list(found.items())[:_MOST]]
    return table(["what", "value"], rows, label="values") if rows else ""


def _cell(found: Any, deep: int = 0) -> str:
    if isinstance(found, float):
        return escaped(f"{found:.4g}")
    if isinstance(found, Mapping) and deep < _DEEP:
        return ", ".join(f"{escaped(k)}: {_cell(v, deep + 1)}" for k, v in list(found.items())[:20])
    if isinstance(found, list | tuple) and deep < _DEEP:
        return ", ".join(_cell(v, deep + 1) for v in found[:20])
    return value(None if found is None else str(found))
