"""The same as SVG: one panel a way, all to one scale; no script, no font, no address of another file."""

from __future__ import annotations

import html
from collections.abc import Sequence

from .advice import shown
from .chart import scale
from .trial import Trial

WIDTH, LEFT, RIGHT = 760, 46, 16
TOP, PANEL, GAP, BOTTOM = 62, 84, 46, 34

ROLE = 'role="img" aria-labelledby="title desc"'
STYLE = """
.page { fill: #ffffff } .ink { fill: #1f2328 } .soft { fill: #59636e }
text { font: 13px ui-sans-serif, system-ui, sans-serif } .small { font-size: 11px } .title { font-size: 15px; font-weight: 600 }
.grid { stroke: #d1d9e0; stroke-width: 1; fill: none } .area { fill: #0969da; fill-opacity: .22 }
.line { stroke: #0969da; stroke-width: 1.5; fill: none } .hold { stroke: #bc4c00; stroke-width: 3 } .try { fill: #bc4c00 }
@media (prefers-color-scheme: dark) {
 .page { fill: #0d1117 } .ink { fill: #f0f6fc } .soft { fill: #9198a1 } .grid { stroke: #3d444d }
 .area { fill: #4493f8 } .line { stroke: #4493f8 } .hold { stroke: #f0883e } .try { fill: #f0883e }
}
"""


def svg(label: str, trials: Sequence[Trial]) -> str:
    """The curve of waiting sessions of each trial, below one another. The same trials give the same bytes."""
    longest, most = scale(trials)
    height = TOP + len(trials) * (PANEL + GAP) + BOTTOM - GAP + 14
    words = "; ".join(
        f"{name_of(t)}: at most {t.peak} waited, a SELECT at most {shown(t.reads.longest)}" for t in trials
    )
    size = f'width="{WIDTH}" height="{height}"'
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" {size} {ROLE}>',
        f'<title id="title">Sessions waiting for a lock while {_text(label)} runs</title>',
        f'<desc id="desc">{_text(words)}.</desc>',
        f"<style>{STYLE}</style>",
        f'<rect class="page" {size}/>',
        f'<text class="ink title" x="{LEFT}" y="26">Sessions waiting for a lock while {_text(label)} runs</text>',
        f'<line class="hold" x1="{LEFT}" y1="42" x2="{LEFT + 22}" y2="42"/>',
        f'<text class="soft small" x="{LEFT + 28}" y="46">a reader, idle in its transaction, holds the table</text>',
        f'<path class="try" d="{_mark(LEFT + 300, 47)}"/>',
        f'<text class="soft small" x="{LEFT + 310}" y="46">the migration tries</text>',
    ]
    for number, trial in enumerate(trials):
        out += _panel(trial, TOP + number * (PANEL + GAP), longest, most)
    return "\n".join([*out, "</svg>"]) + "\n"


def name_of(trial: Trial) -> str:
    """The way in words."""
    limits = trial.limits
    if trial.name == "plain":
        return "no lock_timeout"
    times = f"up to {limits.lock_attempts} attempts" if limits.lock_attempts > 1 else "one attempt"
    return f"{'as configured: ' if trial.name == 'as configured' else ''}lock_timeout {limits.lock_timeout}, {times}"


def _panel(trial: Trial, top: int, longest: float, most: int) -> list[str]:
    base = top + 18 + PANEL - 18
    width, tall = WIDTH - LEFT - RIGHT, PANEL - 18
    right = LEFT + width

    def x(at: float) -> str:
        return _n(LEFT + min(max(at, 0.0), longest) / longest * width)

    def y(count: int) -> str:
        return _n(base - count / most * tall)

    points = [(look.at, look.waiting) for look in trial.looks]
    path = f"M{x(0)} {y(0)}" + "".join(f"H{x(at)}V{y(count)}" for at, count in points)
    end = points[-1][0] if points else 0.0
    outcome = f"longest SELECT {shown(trial.reads.longest)}" + ("" if trial.ok else "; did not get through")
    return [
        f'<text class="ink" x="{LEFT}" y="{top + 12}">{_text(name_of(trial))}</text>',
        f'<text class="ink" x="{right}" y="{top + 12}" text-anchor="end">{_text(outcome)}</text>',
        f'<path class="grid" d="M{LEFT} {y(most)}H{right}M{LEFT} {y(0)}H{right}"/>',
        f'<text class="soft small" x="{LEFT - 6}" y="{_n(base - tall + 4)}" text-anchor="end">{most}</text>',
        f'<text class="soft small" x="{LEFT - 6}" y="{base + 4}" text-anchor="end">0</text>',
        f'<path class="area" d="{path}H{x(end)}V{y(0)}Z"/>',
        f'<path class="line" d="{path}"/>',
        f'<line class="hold" x1="{x(0)}" y1="{base + 4}" x2="{x(trial.hold)}" y2="{base + 4}"/>',
        *(f'<path class="try" d="{_mark(float(x(at)), base + 14)}"/>' for at in trial.began),
        f'<text class="soft small" x="{LEFT}" y="{base + 25}">0 s</text>',
        f'<text class="soft small" x="{right}" y="{base + 25}" text-anchor="end">{longest:.1f} s</text>',
    ]


def _mark(x: float, y: float) -> str:
    return f"M{_n(x)} {_n(y - 8)}l4 7h-8z"


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _text(text: str) -> str:
    return html.escape("".join(c if c.isprintable() else "?" for c in text))
