"""The report as a person sees it: headless Chromium, light and dark, 1280 and 400 pixels wide."""

from __future__ import annotations

import html
import importlib.util
import json
import re
import struct
import zlib
from pathlib import Path

import pytest
from made_report import made_report

from dovetail.reports.page import render

SCRIPT = Path(__file__).parent.parent / "scripts" / "picture_report.py"
_spec = importlib.util.spec_from_file_location("picture_report", SCRIPT)
assert _spec is not None
assert _spec.loader is not None
picture_report = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(picture_report)

pytestmark = pytest.mark.skipif(
    picture_report.browser() is None, reason="Chromium is not installed: apt-get install chromium"
)

PROBE = """
<script>
addEventListener("load", () => {
  const root = document.documentElement, box = e => e.getBoundingClientRect();
  const shown = [...document.querySelectorAll("section, .card")];
  const probe = {
    width: innerWidth, scroll: root.scrollWidth, height: root.scrollHeight,
    ground: getComputedStyle(document.body).backgroundColor,
    blocks: shown.map(e => [e.id || e.className, Math.round(box(e).height)]),
    outside: [...document.querySelectorAll("body *:not(.scroll *)")]
      .filter(e => box(e).width && box(e).right > innerWidth + 1).map(e => e.tagName + "." + e.className),
    pictures: [...document.querySelectorAll("figure svg")].filter(e => box(e).width > 0).map(e => box(e).width),
    bars: [...document.querySelectorAll("figure svg path")].map(e => getComputedStyle(e).fill),
    requests: performance.getEntriesByType("resource").length,
    folded: document.querySelectorAll("details:not([open])").length,
  };
  const out = document.createElement("pre");
  out.id = "probe"; out.textContent = JSON.stringify(probe);
  (parent.document === document ? document : parent.document).body.append(out);
});
</script></body>"""


def looked_at(tmp_path: Path, width: int, dark: bool) -> dict:
    """Load the page with a measuring script in it (its own policy allows none) and read what it found."""
    page = re.sub(
        r"<meta http-equiv=[^>]*>",
        "",
        render(made_report(conflicts={"a_very_long_column_name_" * 5: 5}, title="t" * 200)),
    ).replace("</body>", PROBE)
    if width < 500:  # the narrowest window: a narrower page stands in a frame
        page = (
            f'<!DOCTYPE html><body><iframe style="border:0;width:{width}px;height:900px" '
            f'srcdoc="{html.escape(page)}"></iframe></body>'
        )
    path = tmp_path / "page.html"
    path.write_text(page, encoding="utf-8")
    dump = picture_report.chromium(path, f"--window-size={max(width, 500)},900", "--dump-dom", dark=dark)
    found = re.search(r'<pre id="probe">(.*?)</pre>', dump, re.DOTALL)
    assert found is not None
    return json.loads(html.unescape(found[1]))


def first_pixel(png: bytes) -> tuple[int, ...]:
    """The colour of the upper left pixel: its filter adds nothing, as it has no neighbours."""
    at, data, depth = 8, b"", 0
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at : at + 8])
        body = png[at + 8 : at + 8 + length]
        if kind == b"IHDR":
            depth = {2: 3, 6: 4}[body[9]]
        data += body if kind == b"IDAT" else b""
        at += 12 + length
    return tuple(zlib.decompress(data)[1 : 1 + depth][:3])


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
def test_the_page_fits_and_shows_everything(tmp_path, width, dark):
    found = looked_at(tmp_path, width, dark)
    assert found["width"] == width
    assert found["scroll"] <= width
    assert found["outside"] == []
    assert len(found["blocks"]) == 8 + 4
    assert min(height for _, height in found["blocks"]) > 60
    assert len(found["pictures"]) == 2
    assert min(found["pictures"]) > 250
    assert found["requests"] == 0
    assert found["ground"] == ("rgb(18, 21, 24)" if dark else "rgb(247, 247, 245)")
    assert ("rgb(79, 199, 187)" if dark else "rgb(12, 112, 105)") in found["bars"]


@pytest.mark.parametrize(("dark", "ground"), [(False, (247, 247, 245)), (True, (18, 21, 24))], ids=["light", "dark"])
def test_the_picture_has_the_ground_of_its_scheme(tmp_path, dark, ground):
    page, target = tmp_path / "report.html", tmp_path / "report.png"
    page.write_text(render(made_report()), encoding="utf-8")
    picture_report.picture(page, target, dark=dark)
    png = target.read_bytes()
    assert struct.unpack(">II", png[16:24]) == (1280, 900)
    assert first_pixel(png) == ground
    assert 50_000 < len(png) < 300_000
