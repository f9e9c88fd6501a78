"""Bars beside their peers: printed, kept as JSON, drawn as SVG. A bar that is missed says so."""

from __future__ import annotations

import json
import platform
import sys
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from measuring.timing import SMOKE, Ratio

FOLDER: Final = Path(__file__).resolve().parents[2] / ".bench"


@dataclass
class Row:
    """One measured ratio. `limit` is the bar, None for a peer; `unit` is what it is a multiple of."""

    group: str
    name: str
    ratio: Ratio
    unit: str
    bar: str | None = None
    limit: float | None = None
    note: str = ""

    @property
    def verdict(self) -> str:
        if self.limit is None:
            return ""
        return "met" if self.ratio.value <= self.limit else "MISSED"


@dataclass
class Report:
    """What one benchmark script measured. `title` heads it; `name` names its files in `.bench/`."""

    name: str
    title: str
    packages: tuple[str, ...] = ()
    rows: list[Row] = field(default_factory=list)
    facts: list[tuple[str, str, bool]] = field(default_factory=list)
    _group: str = ""

    def add(
        self,
        group: str,
        name: str,
        ratio: Ratio,
        *,
        unit: str = "L",
        bar: str | None = None,
        limit: float | None = None,
        note: str = "",
    ) -> None:
        row = Row(group, name, ratio, unit, bar, limit, note)
        self.rows.append(row)
        if not self._group:
            print(f"{self.title}\n{_machine(self.packages)}\n")
            print(
                "Ratios of CPU time, medians of rounds in which both sides take turns; [quartiles]; ~ noise of the yardstick"
            )
        if group != self._group:
            self._group = group
            print(f"\n{group}")
        edge = "" if limit is None else f"<= {limit:g}"
        number = "" if bar is None else f"bar {bar}"
        spread = f"[{ratio.low:.3g}, {ratio.high:.3g}]"
        text = f"  {name:<58} {_three(ratio.value):>8} {unit:<10} {spread:<18} ~{ratio.noise:4.0%}"
        print(f"{text}  {number:<7} {edge:<8} {row.verdict}  {note}".rstrip(), flush=True)

    def fact(self, bar: str, what: str, holds: bool) -> None:
        """A bar that is true or not."""
        self.facts.append((bar, what, holds))
        print(f"  {what:<58} bar {bar}: {'met' if holds else 'MISSED'}", flush=True)

    def finish(self) -> None:
        """Write JSON and chart, and count the bars."""
        folder = FOLDER / "smoke" if SMOKE else FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        data: dict[str, Any] = {
            "title": self.title,
            "machine": _machine(self.packages),
            "rows": [{**asdict(row), "verdict": row.verdict} for row in self.rows],
            "facts": [{"bar": bar, "what": what, "holds": holds} for bar, what, holds in self.facts],
        }
        results = folder / f"{self.name}.json"
        results.write_text(json.dumps(data, indent=2) + "\n")
        chart = folder / f"{self.name}.svg"
        chart.write_text(_svg(self))
        bars = [row.verdict for row in self.rows if row.limit is not None]
        bars += ["met" if holds else "MISSED" for _, _, holds in self.facts]
        print(f"\n{bars.count('met')} of {len(bars)} bars met", end="")
        for row in self.rows:
            if row.verdict == "MISSED":
                print(
                    f"\n  MISSED  bar {row.bar}, {row.group}: {row.name}: {_three(row.ratio.value)} {row.unit}, bar {row.limit:g}",
                    end="",
                )
        for bar, what, holds in self.facts:
            if not holds:
                print(f"\n  MISSED  bar {bar}: {what}", end="")
        print(f"\nResults: {_shown(results)}, {_shown(chart)}\n")


def _three(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _shown(path: Path) -> str:
    return str(path.relative_to(FOLDER.parent))


def _machine(packages: tuple[str, ...]) -> str:
    found = [f"Python {platform.python_version()}, {sys.platform} {platform.machine()}"]
    for package in ("orjson", *packages):
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            found.append(f"{package}: not here")
    return ", ".join(found)


# -- chart -------------------------------------------------------------------------------------------------------------

_LINE, _LEFT, _WIDTH = 18, 430, 420


def _svg(report: Report) -> str:
    """Bars on a logarithmic scale, the bar to be met as a tick; no library needed."""
    import math

    shown = [row for row in report.rows if row.ratio.value > 0]
    if not shown:
        return "<svg xmlns='http://www.w3.org/2000/svg'/>\n"
    values = [row.ratio.value for row in shown] + [row.limit for row in shown if row.limit]
    low = math.floor(math.log10(min(values)))
    high = math.ceil(math.log10(max(values))) or 1

    def x(value: float) -> float:
        return _LEFT + (math.log10(value) - low) / max(1, high - low) * _WIDTH

    y = 46.0
    body: list[str] = []
    group = ""
    for row in shown:
        if row.group != group:
            group = row.group
            y += _LINE * 0.7
            body.append(f'<text x="8" y="{y}" font-weight="bold">{_escape(group)}</text>')
            y += _LINE
        color = {"met": "#2a7d4f", "MISSED": "#c0392b"}.get(row.verdict, "#9aa5b1")
        body.append(f'<text x="{_LEFT - 6}" y="{y}" text-anchor="end">{_escape(row.name)}</text>')
        body.append(
            f'<rect x="{_LEFT}" y="{y - 11}" width="{max(1.0, x(row.ratio.value) - _LEFT):.1f}" height="12" fill="{color}"/>'
        )
        if row.limit:
            at = x(row.limit)
            body.append(f'<path d="M{at:.1f} {y - 13}v16" stroke="#000" stroke-width="2"/>')
        text = f"{_three(row.ratio.value)} {row.unit} {row.verdict}".rstrip()
        body.append(
            f'<text x="{max(x(row.ratio.value), x(row.limit or row.ratio.value)) + 6:.1f}" y="{y}">{_escape(text)}</text>'
        )
        y += _LINE
    grid = [
        f'<path d="M{x(10.0**power):.1f} 34V{y}" stroke="#ddd"/>'
        f'<text x="{x(10.0**power):.1f}" y="30" text-anchor="middle" fill="#777">{10.0**power:g}</text>'
        for power in range(low, high + 1)
    ]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_LEFT + _WIDTH + 150}" height="{y + 10:.0f}" '
        'font-family="sans-serif" font-size="12">'
    )
    title = '<rect width="100%" height="100%" fill="#fff"/>'
    title += f'<text x="8" y="16" font-weight="bold">{_escape(report.title)} (log scale; | is the bar)</text>'
    return "\n".join([head, title, *grid, *body, "</svg>", ""])


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
