"""What the package logs as a warning, such as rows that could not be read, stands on standard error."""

from __future__ import annotations

import logging
import sys


class _Speaker(logging.Handler):
    """One line a warning; what would steer the terminal is replaced."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write to what is standard error now."""
        line = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in record.getMessage())
        sys.stderr.write(f"{line}\n")


def speak() -> None:
    """Let the warnings of this package be heard; once, however often it is called."""
    log = logging.getLogger("dovetail")
    if not any(isinstance(handler, _Speaker) for handler in log.handlers):
        log.addHandler(_Speaker(logging.WARNING))
        log.propagate = False
