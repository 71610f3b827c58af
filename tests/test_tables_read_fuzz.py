"""2,000 malformed files: every one is read or refused in plain words, and no row disappears."""

from __future__ import annotations

import gzip
import io
import json
import random
import re
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dovetail.errors import DovetailError, InputError
from dovetail.tables.read import read
from dovetail.types import Table

FILES = 2_000
KEY = re.compile(r"k\d{4}x")
WORDS = ("Ann", "Müller & Söhne", "007", "1e5", "12345678901234567890", "NA", "2020-01-02", "Café, Ltd", 'say "hi"', "")

Made = tuple[bytes, str, int | None]  # content, ending, non-blank data lines where every one must be counted


def _cells(rng: random.Random, row: int) -> list[str]:
    return [f"k{row:04d}x", *(rng.choice(WORDS) for _ in range(3))]


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if re.search('[",]', cell) else cell


def _lines(rng: random.Random) -> list[str]:
    rows = [_cells(rng, row) for row in range(rng.randint(3, 40))]
    return ["key,name,note,price", *(",".join(map(_quoted, row)) for row in rows)]


def _joined(lines: list[str], newline: str = "\n") -> bytes:
    return (newline.join(lines) + newline).encode()


def _at(rng: random.Random, lines: list[str]) -> int:
    return rng.randrange(1, len(lines))


def ragged(rng: random.Random) -> Made:
    lines = _lines(rng)
    for _ in range(3):
        at = _at(rng, lines)
        lines[at] = lines[at] + ",more" if rng.random() < 0.5 else lines[at][:5]
    return _joined(lines), ".csv", len(lines) - 1


def zero_bytes(rng: random.Random) -> Made:
    lines = _lines(rng)
    at = _at(rng, lines)
    lines[at] = lines[at][:7] + "\0" + lines[at][7:]
    return _joined(lines), ".csv", len(lines) - 1


def mixed_encodings(rng: random.Random) -> Made:
    lines = [line.encode() for line in _lines(rng)]
    at = rng.randrange(1, len(lines))
    lines[at] = lines[at].decode().encode(rng.choice(["cp1252", "utf-16-le", "cp437"]), "replace")
    return b"\n".join(lines), ".csv", None


def stray_bytes(rng: random.Random) -> Made:
    lines = [line.encode() for line in _lines(rng)]
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(1, len(lines))
        lines[at] = lines[at][:6] + bytes([rng.randrange(128, 256)]) + lines[at][6:]
    return b"\n".join(lines), ".csv", len(lines) - 1


def unbalanced_quotes(rng: random.Random) -> Made:
    lines = _lines(rng)
    for _ in range(rng.randint(1, 3)):
        at = _at(rng, lines)
        cut = rng.randrange(len(lines[at]) + 1)
        lines[at] = lines[at][:cut] + '"' + lines[at][cut:]
    return _joined(lines), ".csv", None


def open_quote(rng: random.Random) -> Made:
    lines = [line.replace('"', "").replace(", ", " ") for line in _lines(rng)]
    lines[_at(rng, lines)] = 'k9999x,"never closed,a,b'
    return _joined(lines), ".csv", len(lines) - 1


def bad_header(rng: random.Random) -> Made:
    lines = _lines(rng)
    lines[0] = rng.choice(
        ["key,key,note,price", "key,,,price", ",,,", "key,\0,note,price", '"key,name', "key", "\ufeff\ufeff"]
    )
    return _joined(lines), ".csv", None


def giant_field(rng: random.Random) -> Made:
    lines = _lines(rng)
    lines[_at(rng, lines)] = "k9998x," + "y" * 200_000 + ",z,1"
    return _joined(lines), ".csv", len(lines) - 1


def marks_in_the_middle(rng: random.Random) -> Made:
    lines = _lines(rng)
    at = _at(rng, lines)
    lines[at] = "\ufeff" + lines[at]
    return _joined(lines), ".csv", len(lines) - 1


def newlines(rng: random.Random) -> Made:
    lines = _lines(rng)
    if rng.random() < 0.5:
        return _joined(lines, "\r"), ".csv", len(lines) - 1
    return (
        "".join(line + rng.choice(["\n", "\r", "\r\n", "\n\n", "\r\n \n"]) for line in lines).encode(),
        ".csv",
        len(lines) - 1,
    )


def truncated(rng: random.Random) -> Made:
    raw = _joined(_lines(rng))
    return raw[: rng.randrange(len(raw))], rng.choice([".csv", ".tsv", ".txt"]), None


def flipped(rng: random.Random) -> Made:
    raw = bytearray(_joined(_lines(rng)))
    for _ in range(rng.randint(1, 20)):
        raw[rng.randrange(len(raw))] = rng.randrange(256)
    return bytes(raw), ".csv", None


def junk(rng: random.Random) -> Made:
    return (
        rng.randbytes(rng.randrange(3_000)),
        rng.choice([".csv", ".json", ".txt", ".xlsx", ".parquet", ".jsonl"]),
        None,
    )


def wide_characters(rng: random.Random) -> Made:
    raw = _joined(_lines(rng)).decode().encode(rng.choice(["utf-16", "utf-16-le", "utf-16-be", "utf-32"]))
    return raw[: rng.randrange(len(raw) // 2, len(raw))], ".csv", None


def nearly_nothing(rng: random.Random) -> Made:
    return (
        rng.choice(
            [b"", b"\n", b"a,b\n", b"\xef\xbb\xbf", b"\xff\xfe", b"\0" * 50, b'"', b",", b"a", b" \n \n", b"[]", b"{}"]
        ),
        rng.choice([".csv", ".json", ".jsonl", ".txt", ".xlsx", ".parquet"]),
        None,
    )


def other_delimiters(rng: random.Random) -> Made:
    lines = _lines(rng)
    at = _at(rng, lines)
    lines[at:] = [line.replace(",", rng.choice(";\t|")) for line in lines[at:]]
    return _joined(lines), ".csv", None


def _objects(rng: random.Random) -> list[str]:
    rows = [_cells(rng, row) for row in range(rng.randint(3, 40))]
    return [json.dumps({"key": r[0], "name": r[1], "deep": {"note": [r[2]], "price": 1e5}}) for r in rows]


def broken_lines(rng: random.Random) -> Made:
    lines = _objects(rng)
    for _ in range(3):
        at = rng.randrange(1, len(lines))
        odd = (
            "k9997x",
            '["k9997x"]',
            '{"key": "k9997x", "key": 1}',
            '{"key": "k9997x"',
            "[" * 5_000,
            '{"a": NaN, "b": "\\ud800"}',
        )
        lines[at] = rng.choice([lines[at][: rng.randrange(1, len(lines[at]))], *odd])
    return _joined(lines), ".jsonl", len(lines)


def broken_array(rng: random.Random) -> Made:
    raw = "[" + ",\n".join(_objects(rng)) + "]"
    if rng.random() < 0.3:
        raw = '{"rows": ' + raw + "}"
    at = rng.randrange(len(raw))
    return (
        (raw[:at] if rng.random() < 0.5 else raw[:at] + rng.choice('"{}[],\0\ufeff') + raw[at + 1 :]).encode(),
        ".json",
        None,
    )


def spoilt_lines(rng: random.Random) -> Made:
    raw = bytearray(_joined(_objects(rng)))
    for _ in range(rng.randint(1, 20)):
        raw[rng.randrange(len(raw))] = rng.choice(b'\0\xff"{}[],:\\ a1')
    return bytes(raw), ".jsonl", None


def _spoilt(raw: bytes, rng: random.Random) -> bytes:
    if rng.random() < 0.5:
        return raw[: rng.randrange(len(raw))]
    spoilt = bytearray(raw)
    for _ in range(rng.randint(1, 10)):
        spoilt[rng.randrange(len(raw))] = rng.randrange(256)
    return bytes(spoilt)


def spoilt_gzip(rng: random.Random) -> Made:
    return _spoilt(gzip.compress(_joined(_lines(rng)), mtime=0), rng), ".csv.gz", None


def spoilt_parquet(rng: random.Random) -> Made:
    out = io.BytesIO()
    pq.write_table(pa.table({"key": ["k0001x", "k0002x"], "n": [1, None]}), out)
    return _spoilt(out.getvalue(), rng), ".parquet", None


def spoilt_excel(rng: random.Random) -> Made:
    book, out = openpyxl.Workbook(), io.BytesIO()
    book.active.append(["key", "n"])
    book.active.append(["k0001x", 1])
    book.save(out)
    return _spoilt(_without_times(out.getvalue()), rng), ".xlsx", None


def _without_times(workbook: bytes) -> bytes:
    """The same bytes on every day, so that a seed that fails fails again."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(zipfile.ZipInfo(name), re.sub(rb"20\d\d-[-\dT:.]+Z", b"2020-01-01T00:00:00Z", old.read(name)))
    return out.getvalue()


MAKERS: tuple[Callable[[random.Random], Made], ...] = (
    ragged, zero_bytes, mixed_encodings, stray_bytes, unbalanced_quotes, open_quote, bad_header, giant_field,
    marks_in_the_middle, newlines, truncated, flipped, junk, wide_characters, nearly_nothing, other_delimiters,
    broken_lines, broken_array, spoilt_lines, spoilt_gzip, spoilt_parquet, spoilt_excel,
)  # fmt: skip


def _keys_in(table: Table) -> set[str]:
    cells = [cell for column in table.data.columns for cell in column.to_pylist() if isinstance(cell, str)]
    return set(KEY.findall("\n".join([*cells, *(r.text for r in table.rejects)])))


def _check(table: Table, raw: bytes, ending: str, rows: int | None) -> None:
    assert len(table.ids) == len(table)
    assert len(set(table.ids.to_pylist())) == len(table), "ids are not unique"
    if rows is not None:
        assert len(table) + len(table.rejects) == rows, f"{len(table)} rows and {len(table.rejects)} rejects of {rows}"
    for reject in table.rejects:
        assert reject.raw in raw, f"line {reject.line} is not as it stood: {reject.raw!r}"
    if ending in (".csv", ".tsv", ".txt", ".jsonl"):
        lost = set(KEY.findall(raw.decode("latin-1"))) - _keys_in(table) - set(KEY.findall(" ".join(table.columns)))
        assert not lost, f"lost without a word: {sorted(lost)[:5]}"


@pytest.mark.parametrize("maker", MAKERS, ids=lambda maker: maker.__name__)
def test_malformed_files_are_read_or_refused(maker: Callable[[random.Random], Made], tmp_path: Path) -> None:
    outcome: Counter[str] = Counter()
    for seed in range(MAKERS.index(maker), FILES, len(MAKERS)):
        raw, ending, rows = maker(random.Random(seed))
        path = tmp_path / f"made{seed}{ending}"
        path.write_bytes(raw)
        try:
            table = read(path)
        except DovetailError as error:
            outcome["refused" if isinstance(error, InputError) and len(str(error)) > 20 else "badly said"] += 1
            continue
        except Exception as error:
            raise AssertionError(f"seed {seed} of {maker.__name__}: {error!r}") from error
        try:
            _check(table, raw, ending, rows)
        except AssertionError as error:
            raise AssertionError(f"seed {seed} of {maker.__name__}: {error}") from error
        outcome["read"] += 1
    assert not outcome["badly said"]
    assert outcome.total() >= FILES // len(MAKERS)
    if maker in (ragged, zero_bytes, stray_bytes, open_quote, giant_field, newlines, broken_lines):
        assert outcome["read"] > 0.9 * outcome.total()


def test_a_workbook_of_an_unknown_zip_version_is_refused_in_words(tmp_path: Path) -> None:
    book, out = openpyxl.Workbook(), io.BytesIO()
    book.save(out)
    raw = bytearray(out.getvalue())
    raw[raw.rfind(b"PK\x01\x02") + 6] = 212  # the version that is needed to unpack the last member
    path = tmp_path / "new.xlsx"
    path.write_bytes(raw)
    with pytest.raises(InputError, match="looks like Excel but cannot be read"):
        read(path)
