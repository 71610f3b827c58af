"""Bytes to text: which encoding a file is in, and which bytes do not fit it."""

from __future__ import annotations

import codecs
import re

import numpy as np
import numpy.typing as npt

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_BIG_ENDIAN = (codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)
_BROKEN = re.compile("[\udc80-\udcff]")
_HIGH = re.compile(r"[^\W\d_]*[^\x00-\x7f\s\udc80-\udcff][^\s,;|\"]*")
_ODD = re.compile(
    "[a-zß-öø-ÿ][ŠŒŽŸÀ-ÖØ-Þ¡-§¨©«¬®¯±´¶¸¹»-¿‚ƒ„†‡ˆ‰‹›˜™][a-zß-öø-ÿ]|[a-z][ŠŒŽŸÀ-ÖØ-Þ]|[À-ÖØ-öø-ÿ]{4}|^[®¬¦¤¨¯¸¾][a-z]"
)
_SOUND = re.compile("[^\x00-\x7f\udc80-\udcff]")


def decode(raw: bytes) -> tuple[str, str]:
    """The text and the name of its encoding. Bytes that do not fit become lone surrogates (U+DC80 to U+DCFF).

    A byte order mark settles it; then UTF-16 without one (every other byte of ASCII text is zero), UTF-8, and
    Windows-1252 where more bytes speak against UTF-8 than for it.
    """
    encoding = next((name for mark, name in _BOMS if raw.startswith(mark)), None) or _wide(raw)
    if encoding:
        return _wide_text(raw, encoding), encoding
    try:
        return raw.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        pass
    text = raw.decode("utf-8", "surrogateescape")
    broken = len(_BROKEN.findall(text))
    sound = len(_SOUND.findall(text))
    if sound > broken:
        return text, "utf-8"
    return _windows(raw), "windows-1252"


def has_broken_bytes(text: str) -> bool:
    """Whether a piece of decoded text holds bytes that did not fit the encoding."""
    return not text.isascii() and any("\ud800" <= ch <= "\udfff" for ch in text)


def odd_word(text: str) -> str | None:
    """A word that shows that text was hardly written in Windows-1252; None where nothing speaks against it.

    Letters of Cyrillic, Greek and Hebrew come out as runs of accented ones; those of Mac and Latin-2 as capitals and
    signs inside of words.
    """
    words = [found[0] for found, _ in zip(_HIGH.finditer(text), range(20_000), strict=False)]
    odd = [word for word in words if _ODD.search(word)]
    return odd[0][:40] if len(odd) > 0.1 * len(words) and len(odd) >= min(2, len(words)) else None


def line_bounds(raw: bytes, encoding: str) -> npt.NDArray[np.int64]:
    """Where each line begins, and last where the bytes end: (lines + 1,) positions, ascending.

    Lines end with a line feed, a carriage return, or both, as the lines of the decoded text do.
    """
    codec = _exact(raw, encoding)
    unit = {"utf-16": 2, "utf-32": 4}.get(codec[:6], 1)
    signs = np.frombuffer(raw, f"{'>' if codec.endswith('be') else '<'}u{unit}", len(raw) // unit)
    alone = signs == 13
    alone[:-1] &= signs[1:] != 10
    ends = (np.flatnonzero(alone | (signs == 10)) + 1) * unit
    rest = [len(raw)] if not len(ends) or ends[-1] < len(raw) else []
    return np.concatenate(([0], ends, rest)).astype(np.int64)


def encoded(text: str, raw: bytes, encoding: str) -> bytes:
    """The bytes that a piece of the decoded text of a file was made from."""
    codec = _exact(raw, encoding)
    return text.encode(codec, "surrogatepass" if codec[:6] in ("utf-16", "utf-32") else "surrogateescape")


def _exact(raw: bytes, encoding: str) -> str:
    """The encoding with the order of its bytes, without a byte order mark."""
    if encoding in ("utf-16", "utf-32"):
        return f"{encoding}-{'be' if raw.startswith(_BIG_ENDIAN) else 'le'}"
    return encoding.removesuffix("-sig")


def _wide_text(raw: bytes, encoding: str) -> str:
    if encoding == "utf-8-sig":
        return raw.decode(encoding, "surrogateescape")
    unit = 4 if encoding == "utf-32" else 2
    whole = len(raw) - len(raw) % unit
    rest = "".join(chr(0xDC00 + byte) for byte in raw[whole:])  # a cut-off character marks its row as broken
    try:
        return raw[:whole].decode(encoding, "surrogatepass") + rest
    except UnicodeDecodeError:
        return raw[:whole].decode(encoding, "replace").replace("\ufffd", "\udcfd") + rest


def _wide(raw: bytes) -> str | None:
    head = raw[:4000]
    if len(head) < 8:
        return None
    even, odd = head[0::2].count(0) / len(head[0::2]), head[1::2].count(0) / len(head[1::2])
    if odd > 0.6 and even < 0.1:
        return "utf-16-le"
    if even > 0.6 and odd < 0.1:
        return "utf-16-be"
    return None


def _windows(raw: bytes) -> str:
    # Five bytes are undefined in Windows-1252; they are kept as surrogates so that their rows are set aside.
    return raw.decode("cp1252", "surrogateescape")
