"""Heuristics as a plain file, to be edited by hand and kept under version control.

```toml
format = 1

[[heuristic]]
name = "charges"
table = "tickets"
class = "billing"
pattern = 'charge[ds]?\b'

[[heuristic]]
name = "parcels"
table = "tickets"
column = "body"                    # without it all columns are read
class = "shipping"
words = ["parcel", "lost post"]
on = false                         # kept, but not asked

[[heuristic]]
name = "by the names"
table = "tickets"
names = { billing = "money, charges, refunds", shipping = "parcels and delivery" }
sure = 0.6
```

A file that is changed keeps the lines and comments of all heuristics that did not change.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dovetail.errors import InputError

FORMAT = 1
KINDS = ("pattern", "words", "names")
MOST, MOST_WORDS, LONGEST = 200, 1_000, 500  # heuristics of a file, words of one, characters of a pattern or word
_HEAD = "# Heuristics of this workspace: rules of thumb that name a class. May be edited by hand.\nformat = 1\n"
_BEGIN = re.compile(r"(?:^[ \t]*#[^\n]*\n)*^[ \t]*\[\[[ \t]*heuristic[ \t]*\]\]", re.MULTILINE)  # comments above count
_KNOWN: dict[str, type] = {
    "name": str,
    "table": str,
    "column": str,
    "class": str,
    "pattern": str,
    "words": list,
    "names": dict,
}
_KNOWN |= {"sure": float, "on": bool}


@dataclass(frozen=True)
class Rule:
    """One heuristic as it is written down: a pattern or a list of words with a class, or names of classes.

    `names` describes each class in words; a model that needs no labels compares texts with them, and speaks where it
    is at least `sure`.
    """

    name: str
    table: str
    gives: str = ""  # the class; names have several
    pattern: str = ""
    words: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    column: str = ""  # the column that is read; all where it is empty
    sure: float = 0.6
    on: bool = True

    @property
    def kind(self) -> str:
        """pattern, words or names."""
        return next((kind for kind in KINDS if getattr(self, kind)), "")

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes that it may name."""
        return tuple(self.names) if self.kind == "names" else (self.gives,)

    @property
    def place(self) -> tuple[str, str]:
        """What no other heuristic of the file shares: table and name."""
        return self.table, self.name


def check(rule: Rule) -> Rule:
    """The same rule, or an `InputError` that says what of it makes no sense."""
    said = f"heuristic {rule.name!r}"
    given = [kind for kind in KINDS if getattr(rule, kind)]
    if not rule.name.strip() or not rule.table.strip():
        raise InputError(f"{said} needs a name and a table that it reads")
    if len(given) != 1:
        found = " and ".join(given) or "none of them"
        raise InputError(f"{said} has {found}; give it one of pattern, words, names")
    if rule.kind == "names" and len(rule.names) < 2:
        raise InputError(f"{said} names {len(rule.names)} class; texts are compared with two or more")
    if not all(c.strip() for c in rule.classes):
        raise InputError(f"{said} has no class to give; name one")
    if rule.kind == "words" and not any(w.strip() for w in rule.words):
        raise InputError(f"{said} has no words; give at least one")
    if len(rule.words) > MOST_WORDS or len(rule.names) > MOST_WORDS:
        raise InputError(f"{said} has more than {MOST_WORDS:,} words or classes; make it two")
    if any(len(text) > LONGEST for text in (rule.name, rule.pattern, rule.column, *rule.classes, *rule.words)):
        raise InputError(
            f"{said} holds more than {LONGEST} characters in one pattern, word or name; make it shorter, or two of it"
        )
    if not 0 <= rule.sure <= 1:
        raise InputError(f"{said} is to be sure to {rule.sure:g}; that is a probability from 0 to 1")
    return rule


def parse(text: str, where: str) -> tuple[Rule, ...]:
    """The rules of a file; what is wrong with it is said with the name of the heuristic."""
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{where} is not understood: {error}") from None
    if found.get("format", FORMAT) != FORMAT:
        raise InputError(f"{where} is of the format {found['format']!r}, and {FORMAT} is known; update dovetail")
    odd = next((key for key in found if key not in ("format", "heuristic")), None)
    if odd is not None:
        raise InputError(f"{where} holds {odd}, which means nothing; every heuristic begins with [[heuristic]]")
    listed = found.get("heuristic", [])
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise InputError(f"{where} holds no list of [[heuristic]] tables")
    if len(listed) > MOST:
        raise InputError(f"{where} holds {len(listed):,} heuristics; {MOST} are the most")
    rules = tuple(_rule(one, where) for one in listed)
    twice = [r.name for n, r in enumerate(rules) if r.place in {other.place for other in rules[:n]}]
    if twice:
        raise InputError(f"{where} has two heuristics named {twice[0]!r} for one table; name each differently")
    return rules


def rewritten(text: str, rules: Sequence[Rule]) -> str:
    """The file with these rules: blocks that say the same stay as they are, with their comments."""
    head, *blocks = _cut(text)
    kept = {rule.place: block for block, rule in _blocks(blocks)}
    same = {rule.place: rule for _, rule in _blocks(blocks)}
    parts = [kept[r.place] if same.get(r.place) == r else written(r) for r in rules]
    whole = "\n".join(part.strip("\n") + "\n" for part in (head, *parts))
    return whole if _reads_as(whole, rules) else "\n".join((_HEAD, *map(written, rules)))


def written(rule: Rule) -> str:
    """One rule as the lines of its block."""
    lines = ["[[heuristic]]", f"name = {_text(rule.name)}", f"table = {_text(rule.table)}"]
    lines += [f"column = {_text(rule.column)}"] if rule.column else []
    if rule.kind == "names":
        pairs = ", ".join(f"{_text(name)} = {_text(said)}" for name, said in rule.names.items())
        lines += [f"names = {{ {pairs} }}", f"sure = {rule.sure:g}" if rule.sure % 1 else f"sure = {rule.sure:.1f}"]
    else:
        lines += [f"class = {_text(rule.gives)}"]
        spoken = _text(rule.pattern) if rule.kind == "pattern" else f"[{', '.join(map(_text, rule.words))}]"
        lines += [f"{rule.kind} = {spoken}"]
    return "\n".join(lines + ([] if rule.on else ["on = false"])) + "\n"


def _rule(one: Mapping[str, Any], where: str) -> Rule:
    name = str(one.get("name", "without a name"))
    for key, value in one.items():
        kind = _KNOWN.get(key)
        if kind is None:
            raise InputError(
                f"{where}: heuristic {name!r} has {key}, which means nothing; known are {', '.join(_KNOWN)}"
            )
        if not isinstance(value, (int, float) if kind is float else kind):
            raise InputError(f"{where}: {key} of heuristic {name!r} is {value!r}, which is no {_IN_WORDS[kind]}")
    some = {key: value for key, value in one.items() if key not in ("class", "words", "names", "sure")}
    words = tuple(str(w) for w in one.get("words", ()))
    names = {str(k): str(v) for k, v in one.get("names", {}).items()}
    given = {"name": "", "table": "", **some}
    rule = Rule(**given, gives=one.get("class", ""), words=words, names=names, sure=float(one.get("sure", 0.6)))
    try:
        return check(rule)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


_IN_WORDS: dict[type, str] = {str: "text", list: "list", dict: "table of names", float: "number", bool: "true or false"}


def _cut(text: str) -> list[str]:
    """The lines before the first block, and each block."""
    places = [found.start() for found in _BEGIN.finditer(text)]
    if not places:
        return [text if text.strip() else _HEAD]
    ends = [*places[1:], len(text)]
    return [text[: places[0]] or _HEAD, *(text[a:b] for a, b in zip(places, ends, strict=True))]


def _blocks(blocks: Sequence[str]) -> list[tuple[str, Rule]]:
    found = []
    for block in blocks:
        try:
            found.append((block, parse(block, "a block")[0]))
        except (InputError, IndexError):
            continue
    return found


def _reads_as(text: str, rules: Sequence[Rule]) -> bool:
    try:
        return parse(text, "the file") == tuple(rules)
    except InputError:
        return False


def _text(value: str) -> str:
    """A text as TOML writes it: as it is between single quotes where that can be, so that patterns stay readable."""
    if "\\" in value and "'" not in value and value.isprintable():
        return f"'{value}'"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
