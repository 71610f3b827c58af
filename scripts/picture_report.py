"""Make a picture of the first screen of a report.

    python scripts/picture_report.py report.html docs/pictures/report.png

Needs Chromium. `--dark` and `--width` and `--height` give other views.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)


def browser() -> str | None:
    """The path of Chromium or Chrome, or None where there is none."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((path for path in map(shutil.which, names) if path), None)


def chromium(page: Path, *more: str, dark: bool = False) -> str:
    """Open a page in headless Chromium with further flags; gives what it prints."""
    found = browser()
    if found is None:
        raise SystemExit("Chromium was not found; install it, on Debian with: apt-get install chromium")
    with tempfile.TemporaryDirectory() as home:
        scheme = f"--blink-settings=preferredColorScheme={0 if dark else 1}"
        command = [found, *FLAGS, f"--user-data-dir={home}", scheme, *more, page.resolve().as_uri()]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout


def picture(page: Path, target: Path, *, width: int = 1280, height: int = 900, dark: bool = False) -> None:
    """Write a picture of the first screen of a page."""
    chromium(page, f"--window-size={width},{height}", f"--screenshot={target.resolve()}", dark=dark)


def main(arguments: list[str]) -> None:
    """Read the command line and make the picture."""
    reader = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    reader.add_argument("report", type=Path)
    reader.add_argument("target", type=Path)
    reader.add_argument("--width", type=int, default=1280)
    reader.add_argument("--height", type=int, default=900)
    reader.add_argument("--dark", action="store_true")
    given = reader.parse_args(arguments)
    given.target.parent.mkdir(parents=True, exist_ok=True)
    picture(given.report, given.target, width=given.width, height=given.height, dark=given.dark)
    print(f"{given.target}: {given.target.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main(sys.argv[1:])
