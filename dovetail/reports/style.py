"""The look of a report: light and dark, wide and narrow, screen and paper."""

from __future__ import annotations

_LIGHT = (
    "--bg:#f7f7f5;--panel:#ffffff;--ink:#1b1f24;--muted:#59626d;--line:#e2e4e8;--soft:#f0f1f3;--match:#0c7069;"
    "--match-soft:#dff1ee;--review:#9a5b00;--review-soft:#fbeed7;--refuse:#5d6774;--refuse-soft:#eceef1;"
    "--against:#b03f1c;--against-soft:#fbe5dd;--mark:#ffe3a3;--mark-ink:#3f2a00;--link:#0b5d8f"
)
_DARK = (
    "--bg:#121518;--panel:#1a1e23;--ink:#e9ebee;--muted:#a4adb8;--line:#2d343b;--soft:#22272d;--match:#4fc7bb;"
    "--match-soft:#123733;--review:#e8ac50;--review-soft:#3b2b10;--refuse:#939dab;--refuse-soft:#272d34;"
    "--against:#f2895f;--against-soft:#43231a;--mark:#5c4510;--mark-ink:#ffe9b8;--link:#7cc4f2"
)

_RULES = """
*{box-sizing:border-box}
html{scroll-behavior:smooth;scroll-padding-top:1.5rem;-webkit-text-size-adjust:100%}
body{margin:0;background:var(--bg);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;
 overflow-wrap:anywhere;font-variant-numeric:tabular-nums}
a{color:var(--link)}
:focus-visible{outline:3px solid var(--link);outline-offset:2px;border-radius:4px}
.page{max-width:1200px;margin:0 auto;padding:2.25rem 2rem 4rem;display:grid;grid-template-columns:172px minmax(0,1fr);
 gap:0 2.5rem}
header{grid-column:1/-1;margin-bottom:1.6rem}
.eyebrow{display:flex;flex-wrap:wrap;gap:.3rem .9rem;justify-content:space-between;color:var(--muted);font-size:.86rem;
 letter-spacing:.01em}
.eyebrow b{color:var(--match);letter-spacing:.06em;text-transform:uppercase;font-size:.8rem}
h1{font-size:clamp(1.5rem,3.1vw,2.25rem);line-height:1.18;letter-spacing:-.022em;margin:.5rem 0 .45rem;font-weight:680;
 text-wrap:balance}
.lead{margin:0;color:var(--muted);max-width:68ch;font-size:1.05rem}
nav{position:sticky;top:1.5rem;align-self:start;font-size:.9rem}
nav ol{list-style:none;margin:0;padding:0;border-left:2px solid var(--line)}
nav a{display:block;padding:.27rem 0 .27rem .9rem;color:var(--muted);text-decoration:none;margin-left:-2px;
 border-left:2px solid transparent}
nav a:hover{color:var(--ink);border-left-color:var(--match)}
h2{font-size:1.3rem;letter-spacing:-.012em;margin:0 0 .3rem;line-height:1.25}
h3{font-size:1.02rem;margin:1.7rem 0 .5rem}
section{margin-bottom:2.6rem}
section>p,.note{color:var(--muted);max-width:72ch;margin:.15rem 0 1rem}
.cards{display:grid;grid-template-columns:repeat(4,minmax(0,1fr));gap:1rem;grid-column:1/-1;margin-bottom:2.4rem}
.card,.panel{background:var(--panel);border:1px solid var(--line);border-radius:14px}
.card{padding:1.15rem 1.2rem 1.1rem;display:flex;flex-direction:column}
.card h2{font-size:.86rem;font-weight:600;color:var(--muted);letter-spacing:0;margin:0;display:flex;flex-wrap:wrap;
 gap:.2rem .5rem;align-items:center;justify-content:space-between;min-height:1.6rem}
.card .big{font-size:clamp(1.9rem,3.2vw,2.6rem);font-weight:690;letter-spacing:-.035em;line-height:1.15;
 margin:.25rem 0 .35rem}
.card p{margin:0;color:var(--muted);font-size:.92rem;line-height:1.45}.card p+p{margin-top:.4rem}
.card p b{color:var(--ink);font-weight:640}
.panel{padding:1.2rem 1.3rem;margin:0 0 1rem}
.badge{display:inline-block;font-size:.74rem;font-weight:650;padding:.1rem .55rem;border-radius:99px;white-space:nowrap}
.badge.estimated,.badge.uncertain{color:var(--review);background:var(--review-soft)}
.badge.measured,.badge.matched{color:var(--match);background:var(--match-soft)}
.badge.refused{color:var(--refuse);background:var(--refuse-soft)}
.warn{border-left:4px solid var(--review);background:var(--panel);border-radius:0 12px 12px 0;
 padding:.7rem 1.1rem .7rem 2.1rem;
 margin:.6rem 0 0;border-block:1px solid var(--line);border-right:1px solid var(--line)}
.scroll{overflow-x:auto;background:var(--panel);border:1px solid var(--line);border-radius:14px;margin:0 0 1rem}
table{border-collapse:collapse;width:100%;font-size:.92rem}
th,td{text-align:left;padding:.6rem .95rem;border-bottom:1px solid var(--line);vertical-align:top}
tbody tr:last-child>*{border-bottom:0}
thead th{color:var(--muted);font-weight:600;font-size:.82rem;white-space:nowrap}
.num{text-align:right;white-space:nowrap}thead th.num{text-align:right}
.scroll td{min-width:5rem;max-width:26rem;overflow-wrap:break-word}
code{white-space:nowrap;font-size:.92em}
th[scope=row]{font-weight:600}
.kind{color:var(--muted);font-size:.82rem}
.none{color:var(--muted);font-style:italic}
mark{background:var(--mark);color:var(--mark-ink);border-radius:3px;padding:0 .1em;text-decoration:underline;
 text-decoration-thickness:1.5px;text-underline-offset:3px}
figure{margin:0 0 1rem}
figcaption{color:var(--muted);font-size:.92rem;margin-bottom:.6rem}
figcaption b{display:block;color:var(--ink);font-size:1rem}
figure svg{display:block;width:100%;height:auto}
.narrow{display:none}
.pairs{display:grid;grid-template-columns:repeat(3,minmax(0,1fr));gap:1rem;margin-bottom:1rem}
.pairs .panel{margin:0;padding:1rem 1.15rem}
.pairs dt{color:var(--muted);font-size:.86rem}.pairs dd{margin:.1rem 0 0;font-size:1.5rem;font-weight:660;
 letter-spacing:-.02em}
.pairs dd small{display:block;font-size:.86rem;font-weight:400;color:var(--muted);letter-spacing:0}
.bars{display:grid;grid-template-columns:fit-content(45%) minmax(2rem,1fr) minmax(3.5rem,max-content);gap:.42rem .9rem;
 align-items:center;font-size:.92rem}
.bars i{display:block;height:.72rem;background:var(--match);border-radius:3px;min-width:2px}
.bars .num{color:var(--muted)}
.two{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:1rem;align-items:start}
.two h3{margin-top:0}
details{background:var(--panel);border:1px solid var(--line);border-radius:14px;margin:0 0 .7rem}
summary{cursor:pointer;padding:.8rem 1.1rem;display:flex;gap:.4rem .9rem;align-items:center;list-style:none;
 border-radius:14px}
summary::-webkit-details-marker{display:none}
summary::before{content:"";flex:none;width:.5rem;height:.5rem;border-right:2px solid var(--muted);
 border-bottom:2px solid var(--muted);transform:rotate(-45deg);margin-right:.2rem}
details[open]>summary::before{transform:rotate(45deg)}
summary .who{flex:1;min-width:0;font-weight:560}
summary .who span{display:block;color:var(--muted);font-size:.82rem;font-weight:400}
.inside{padding:0 1.1rem 1.1rem}
.why{table-layout:fixed;margin-top:.1rem}
.why col.a{width:15%}.why col.s{width:15%}.why col.w{width:22%}
.why th,.why td{padding:.55rem .6rem}
.why th:first-child,.why td:first-child{padding-left:0}
.why tfoot th,.why tfoot td{border-top:2px solid var(--line);border-bottom:0;font-weight:640}
.meter{display:flex;align-items:center;gap:.5rem;font-size:.86rem}
.meter i{flex:1;height:.5rem;border-radius:3px;background:var(--soft);overflow:hidden;min-width:1.5rem}
.meter i b{display:block;height:100%;background:var(--refuse)}
.meter span{min-width:2.9rem;text-align:right}
.pull{display:flex;align-items:center;gap:.5rem;font-size:.86rem}
.pull i{flex:1;height:.7rem;display:grid;grid-template-columns:1fr 1fr;min-width:3rem;
 background:linear-gradient(var(--line),var(--line)) center/1px 100% no-repeat}
.pull i b{display:block;height:100%}
.pull .for{grid-column:2;background:var(--match);border-radius:0 3px 3px 0}
.pull .against{grid-column:1;justify-self:end;background:var(--against);border-radius:3px 0 0 3px}
.pull span{min-width:2.6rem;text-align:right;font-weight:600}
.sum{background:var(--soft);border-radius:10px;padding:.65rem .9rem;margin:.9rem 0 0;font-size:.93rem}
.sum b{font-weight:680}
.turn{color:var(--muted);font-size:.92rem;margin:.6rem 0 0}
pre{white-space:pre-wrap;font:13px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;margin:0}
footer{grid-column:1/-1;color:var(--muted);font-size:.86rem;border-top:1px solid var(--line);padding-top:1rem}
@media(max-width:1000px){
 .page{grid-template-columns:minmax(0,1fr)}
 nav{position:static;margin-bottom:1.8rem}
 nav ol{display:flex;flex-wrap:wrap;gap:.4rem;border:0}
 nav a{border:1px solid var(--line);background:var(--panel);border-radius:99px;padding:.22rem .8rem;margin:0}
 .cards{grid-template-columns:repeat(2,minmax(0,1fr))}
}
@media(max-width:640px){
 body{font-size:15.5px}
 .page{padding:1.4rem 1rem 3rem}
 .cards,.two,.pairs{grid-template-columns:minmax(0,1fr)}
 .cards{gap:.7rem}
 .wide{display:none}.narrow{display:block}
 .panel{padding:1rem}
 summary{flex-wrap:wrap;padding:.8rem .9rem}.inside{padding:0 .9rem .9rem}
 .why,.why tbody,.why tfoot,.why tr{display:block}.why thead,.why colgroup{display:none}
 .why tr{padding:.7rem 0;border-bottom:1px solid var(--line)}
 .why th,.why td{display:block;border:0!important;padding:.12rem 0}
 .why td[data-side]::before{content:attr(data-side)": ";color:var(--muted);font-size:.84rem}
 .why td:empty{display:none}
}
@media(prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
@media print{
 body{font-size:10.5pt;background:#fff}nav{display:none}.page{display:block;max-width:none;padding:0}
 .card,.panel,details,figure,tr{break-inside:avoid}.scroll{overflow:visible}
 details::details-content{content-visibility:visible;block-size:auto}
}
"""


def stylesheet() -> str:
    """The whole style sheet. The page follows the reader's system; `data-theme` on the root element overrules it."""
    return (
        f":root{{color-scheme:light dark;{_LIGHT}}}"
        f"@media(prefers-color-scheme:dark){{:root:not([data-theme=light]){{{_DARK}}}}}"
        f":root[data-theme=dark]{{color-scheme:dark;{_DARK}}}:root[data-theme=light]{{color-scheme:light}}"
        f"@media print{{:root{{color-scheme:light!important;{_LIGHT}}}}}"
        f"{_RULES}"
    )
