"""Texts said again by a model of the user's: asked in portions, kept as they come, and its faults named by the text."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from dovetail.errors import InputError
from dovetail.tables.atomic import replace_file
from dovetail.types import Job, Progress

Rewrite = Callable[[list[str]], Sequence[str]]
"""Texts in, as many texts out that say the same in other words. It is asked for some of the texts at a time."""

_AT_ONCE = 64  # texts of one call: what a fault or a kill can cost
_SHOWN = 80  # characters of a text that an error shows


def rewritten(texts: Sequence[str], rewrite: Rewrite, folder: Path | None = None) -> Job[list[str]]:
    """What `rewrite` makes of each text (n,), with progress.

    With a `folder` what was said is kept there, and a later call asks only for the rest: also where it brings another
    function, since a mended one cannot be told from a new one. Raises `InputError` where `rewrite` fails or does not
    answer with a text for each, and names the text that it fails on.
    """
    kept = _Kept(folder)
    asked = [text for text in dict.fromkeys(texts) if text not in kept.said]
    for start in range(0, len(asked), _AT_ONCE):
        portion = asked[start : start + _AT_ONCE]
        kept.add(portion, _said(portion, rewrite, kept))
        yield Progress("rewrite", start + len(portion), len(asked), f"{len(asked):,} texts")
    return [kept.said[text] for text in texts]


class _Kept:
    """What was said so far, in a file where there is a folder."""

    def __init__(self, folder: Path | None) -> None:
        self.file = None if folder is None else folder / "rewritten.json"
        self.said: dict[str, str] = {}
        if self.file is not None and self.file.is_file():
            self.said = _read(self.file)

    def add(self, texts: Sequence[str], said: Sequence[str]) -> None:
        self.said |= dict(zip(texts, said, strict=True))
        if self.file is not None:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with replace_file(self.file) as beside:
                beside.write_text(json.dumps(self.said), encoding="utf-8")


def _read(file: Path) -> dict[str, str]:
    """What stands in the file; nothing where it cannot be read: it is then asked for again."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        return {}
    return {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) else {}


def _said(portion: list[str], rewrite: Rewrite, kept: _Kept) -> list[str]:
    """The answers to a portion; where it fails its texts are asked for one by one, to keep what goes and to name the
    one that does not."""
    try:
        answer = _answer(portion, rewrite)
    except Exception:  # a function of the user's may raise anything
        for text in portion:
            kept.add([text], [_alone(text, rewrite)])
        return [kept.said[text] for text in portion]
    return _checked(portion, answer)


def _alone(text: str, rewrite: Rewrite) -> str:
    try:
        answer = _answer([text], rewrite)
    except Exception as error:
        raise _fault(text, error) from error
    return _checked([text], answer)[0]


def _answer(portion: list[str], rewrite: Rewrite) -> object:
    """What the function gives, a generator run to its end."""
    found: object = rewrite(list(portion))
    return list(found) if isinstance(found, Iterable) and not isinstance(found, str) else found


def _fault(text: str, error: Exception) -> InputError:
    shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return InputError(
        f"rewrite failed on the text {shown!r}: {type(error).__name__}: {error}; mend it, or let it give a text back "
        "as it is where it cannot rewrite it: such texts are left out, and no label is lost"
    )


def _checked(asked: Sequence[str], said: object) -> list[str]:
    """The answers as texts; what says nothing is the text itself."""
    if not isinstance(said, list):
        raise InputError(f"rewrite gave {type(said).__name__} for {len(asked):,} texts; expected a list of texts")
    if len(said) != len(asked):
        raise InputError(f"rewrite was given {len(asked):,} texts and gave {len(said):,}; expected one for each")
    return [old if new is None or not str(new).strip() else str(new) for old, new in zip(asked, said, strict=True)]
