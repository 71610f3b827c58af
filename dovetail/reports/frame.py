"""The frame of every page: one HTML file that needs nothing but itself; no script, no request, light and dark."""

from __future__ import annotations

from collections.abc import Sequence

from dovetail.reports.style import stylesheet
from dovetail.reports.words import escaped

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"


def framed(title: str, top: str, parts: Sequence[tuple[str, str, str]], footer: str) -> str:
    """A page from its title (plain text), what stands above the contents, its sections, and its footer (HTML).

    A section is its anchor, its title and its content; one without content is left out.
    """
    shown = [part for part in parts if part[2]]
    toc = "".join(f'<li><a href="#{name}">{heading}</a></li>' for name, heading, _ in shown)
    body = "".join(
        f'<section id="{name}" aria-labelledby="{name}-title"><h2 id="{name}-title">{heading}</h2>{content}</section>'
        for name, heading, content in shown
    )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escaped(title)}</title><style>{stylesheet()}</style></head><body>"
        f'<div class="page">{top}<nav aria-label="Contents"><ol>{toc}</ol></nav>'
        f"<main>{body}</main><footer>{footer}</footer></div></body></html>\n"
    )


def card(title: str, big: str, *sentences: str) -> str:
    """One of the large figures at the top; HTML."""
    said = "".join(f"<p>{s}</p>" for s in sentences)
    return f'<article class="card"><h2>{title}</h2><div class="big">{big}</div>{said}</article>'
