"""The page: built files from the package or from `web/dist` of a source checkout; plain words where there are none."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, Response

if TYPE_CHECKING:
    from fastapi import FastAPI

_PACKAGE = Path(__file__).resolve().parent.parent
_PLACES = (_PACKAGE / "data" / "web", _PACKAGE.parent / "web" / "dist")
_CHECKOUT = """This is a source checkout. Type <code>make web</code> in it (it needs Node 20), then load this page
again. Packages from an index bring the page with them."""
_PACKAGED = """This package was built where the page had not been built. Install one that brings it along, or build it
from a source checkout: <code>make web</code> (it needs Node 20), then the package."""
_ABSENT = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Dovetail</title>
<body style="font: 1rem/1.5 system-ui; max-width: 40rem; margin: 4rem auto; padding: 0 1rem">
<h1>Dovetail is running, but its page was not built</h1>
<p>{where}</p>
<p>Programs can use the server already: see <a href="/api/openapi.json">/api/openapi.json</a>.</p>"""


def web_folder() -> Path | None:
    """Where the built page lies; None where it was not built."""
    return next((place for place in _PLACES if (place / "index.html").is_file()), None)


def absent() -> str:
    """What is shown in place of a page that was not built, and how to come by it."""
    return _ABSENT.replace("{where}", _CHECKOUT if (_PACKAGE.parent / "web").is_dir() else _PACKAGED)


def page_routes(app: FastAPI) -> None:
    """Everything that is not under /api: files of the page, and the page itself for all else."""

    @app.get("/{path:path}", include_in_schema=False)
    def page(path: str) -> Response:
        if path == "api" or path.startswith("api/"):
            return JSONResponse({"error": f"there is nothing at /{path[:100]}", "type": "NotFound"}, 404)
        home = web_folder()
        if home is None:
            return HTMLResponse(absent())
        found = _inside(home, path)
        if found is None:
            return FileResponse(home / "index.html", headers={"cache-control": "no-cache"})
        lasting = path.startswith("assets/")
        cache = "public, max-age=31536000, immutable" if lasting else "no-cache"
        return FileResponse(found, headers={"cache-control": cache})


def _inside(home: Path, path: str) -> Path | None:
    """A file of the page; None for what does not exist or lies elsewhere."""
    if not path or "\0" in path:
        return None
    try:
        found = (home / path).resolve()
        inside = found.is_relative_to(home.resolve()) and found.is_file()
    except (OSError, ValueError):
        return None
    return found if inside else None
