"""`clean`: repair what exports do to text, and nothing else."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from dovetail.types import Table

ENTITY = re.compile(r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z]\w{1,30});", re.IGNORECASE)

_BREAKS = re.compile(r"[\t-\r\x1c-\x1f\x85\u2028\u2029]")
# Controls, soft hyphens, marks of direction; the joiners U+200C and U+200D stay: Persian and emoji need them.
_INVISIBLE = re.compile(
    r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
_SUSPECT = re.compile(r"[^\x21-\x7e\s]|[&`\\\t-\r\x00-\x1f]|  |^ | $|^'.* '$", re.DOTALL)

# What tokenisers leave: "` art \ 's delicatessen '", "nate \ ` n \ ' al", "`` one size fits all '' is over".
_QUOTED = re.compile(r"^[`']+ (.*\S) '+$|^(['`]\w.*\S) '+$", re.DOTALL)
_DOUBLE = re.compile(r"(?<!\S)(?:\\ (?:''|``)(?:\s+|$))+(?:''(?=\s|$))?")
_AND = re.compile(r"\s\\\s[`']\sn\s\\\s[`']\s")
_SINGLE = re.compile(r"(?:^|\s)\\\s[`']\s?(?=\w)")
_GENITIVE = re.compile(r"(?<=\w)\s\\\ss(?!\w)")
_LONE = re.compile(r"(?:^|\s)\\(?=\s|$)")
_OPENING = re.compile(r"``\s?")
_CLOSING = re.compile(r"\s?''(?!\w)")

# One letter decoded wrongly is always two or more, or `Ã` with a blank that was none.
_WRONGLY_DECODED = re.compile(r"[^\x00-\x7f]{2}|Ã\s")
_FAR_EAST = "\u2e80"
_ROUNDS = 12


def clean(table: Table) -> Table:
    """The same table with its text repaired; the table given, its row ids and its other columns stay as they are.

    Unicode in composed form (NFC), letters that were decoded wrongly put right where that is certain, HTML entities
    decoded, control characters removed, white space collapsed, the quotes of tokenised exports joined again.
    """
    data = table.data
    for position, name in enumerate(data.column_names):
        column = data.column(position)
        if name != table.id_column and is_text(column.type):
            repaired = pc.cast(over_texts(column, clean_text), column.type)
            data = data.set_column(position, data.schema.field(position), repaired)
    return replace(table, data=data)


def is_text(kind: pa.DataType) -> bool:
    """Whether a column of this Arrow type holds text."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column of any type as strings; lists and structures as Python writes them."""
    if is_text(column.type):
        return pc.cast(column, pa.string())
    try:
        return pc.cast(column, pa.string())
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        written = [None if v is None else str(v) for v in column.to_pylist()]
        return pa.chunked_array([pa.array(written, pa.string())])


def over_texts(column: pa.ChunkedArray, change: Callable[[str], str | None]) -> pa.ChunkedArray:
    """Apply `change` once to each distinct text of a column. Shape (n,), strings; nulls stay null."""
    coded = pc.cast(column, pa.string()).dictionary_encode().unify_dictionaries()
    if not coded.num_chunks:
        return pa.chunked_array([], pa.string())
    changed = pa.array([change(text) for text in coded.chunk(0).dictionary.to_pylist()], pa.string())
    return pa.chunked_array([changed.take(chunk.indices) for chunk in coded.chunks], pa.string())


def clean_text(text: str) -> str:
    """One repaired text. Repairing it again changes nothing."""
    if not _SUSPECT.search(text):
        return text
    for _ in range(_ROUNDS):  # what is decoded may itself be encoded, as in `&amp;lt;`
        repaired = _once(text)
        if repaired == text:
            break
        text = repaired
    return text


def _once(text: str) -> str:
    if not text.isascii():
        text = unicodedata.normalize("NFC", repaired_encoding(text))
    if "&" in text:
        text = ENTITY.sub(_decoded, text)
    text = _INVISIBLE.sub("", _BREAKS.sub(" ", text))
    return " ".join(joined_quotes(" ".join(text.split())).split())


def _decoded(entity: re.Match[str]) -> str:
    return html.unescape(entity[0])


def repaired_encoding(text: str) -> str:
    """`MÃ¼nchen` as `München`; the same text wherever it is not certain that it was decoded wrongly."""
    if not _WRONGLY_DECODED.search(text):
        return text
    from ftfy import fix_encoding
    from ftfy.badness import is_bad

    if not is_bad(text):
        return text
    repaired = str(fix_encoding(text))
    if is_bad(repaired) or "\ufffd" in repaired:
        return text
    new = [ch for ch in repaired if ch >= _FAR_EAST and ch not in text]
    return text if len(new) == 1 else repaired  # one lone ideograph is a chance hit, such as `âº ` read as one


def joined_quotes(text: str) -> str:
    """`` ` art \\ 's delicatessen ' `` as `art's delicatessen`; other text stays as it is."""
    match = _QUOTED.match(text)
    if match:
        text = match[1] or match[2]
    if "\\" in text:
        text = _DOUBLE.sub('" ', _AND.sub(" 'n' ", text))
        text = _LONE.sub("", _GENITIVE.sub("'s", _SINGLE.sub("'", text)))
    elif "``" in text:
        text = _CLOSING.sub('"', _OPENING.sub('"', text))
    return text[2:] if text.startswith("` ") else text
