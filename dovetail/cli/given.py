"""What a person gave as `name=value`."""

from __future__ import annotations

from collections.abc import Iterable

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
