"""What a person gave: `name=value`, and places to write to, checked before the work begins."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from dovetail.errors import InputError


def split_pairs(pairs: Iterable[str] | None, option: str) -> dict[str, str]:
    """`name=value` as a dict; `option` is named where one is not understood or two disagree."""
    found: dict[str, str] = {}
    for pair in pairs or ():
        name, equals, value = (part.strip() for part in str(pair).partition("="))
        if not equals or not name:
            raise InputError(f"{option} {pair} is not understood; write {option} name=value")
        if found.get(name, value) != value:
            raise InputError(f"{option} says {name}={found[name]} and {name}={value}; keep one of them")
        found[name] = value
    return found


def check_file(out: str | Path, sources: Iterable[str | Path | None]) -> None:
    """Refuse a file that has no ending to write by, or that is one of the sources: they are never written over."""
    from dovetail.tables.write import check_target

    check_target(out)
    check_sources(out, sources)


def check_sources(out: str | Path, sources: Iterable[str | Path | None]) -> None:
    """Refuse a file that is one of the sources."""
    for source in sources:
        if source and Path(out).exists() and Path(source).exists() and Path(out).samefile(source):
            raise InputError(f"{out} is a file that is read; it is never written over: name another with --out")


def check_folder(out: Path) -> None:
    """Refuse a folder that cannot be made, since a file has its name or one above it, or that cannot be written to."""
    place = next((place for place in (out, *out.parents) if place.exists()), None)
    if place is not None and not place.is_dir():
        raise InputError(f"{out} cannot be a folder, since {place} is a file; name another with --out")
    if place is not None and not os.access(place, os.W_OK):
        raise InputError(f"nothing may be written to {place}; name another folder with --out")
