"""Python functions of a file that a person named, and what is wrong with them in one sentence."""

from __future__ import annotations

import inspect
import runpy
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path

from dovetail.errors import InputError

Function = Callable[[str], str | None]


def functions_of(path: str) -> dict[str, Function]:
    """The functions of a Python file; it is run, as any program that one starts."""
    if not Path(path).is_file():
        raise InputError(f"there is no file {path} with functions")
    try:
        ran = runpy.run_path(path)
    except SyntaxError as error:
        line = f", line {error.lineno}," if error.filename == path and error.lineno else ""
        raise InputError(f"{path}{line} is not Python: {error.msg}; give a file of Python functions") from None
    except (Exception, SystemExit) as error:
        raise InputError(f"{path}, line {_line(error, path)}, fails while it is loaded: {_said(error)}") from None
    found: dict[str, Function] = {
        name: partial(_called, thing, name, path)
        for name, thing in ran.items()
        if inspect.isfunction(thing) and not name.startswith("_") and thing.__code__.co_filename == str(path)
    }
    if not found:
        raise InputError(f"{path} holds no functions; each takes a text and gives the name of a class, or None")
    return found


def _called(function: Function, name: str, path: str, text: str) -> str | None:
    try:
        return function(text)
    except (Exception, SystemExit) as error:
        shown = text if len(text) <= 60 else text[:57] + "…"
        raise InputError(
            f"{path}, line {_line(error, path)}: the function {name} fails on the text {shown!r}: {_said(error)}"
        ) from None


def _line(error: BaseException, path: str) -> int:
    """The last line of the file that was run; 1 where none was."""
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == path and f.lineno]
    return lines[-1] if lines else 1


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
