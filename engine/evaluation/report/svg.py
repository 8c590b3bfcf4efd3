"""Small drawings by hand: just enough SVG for a few charts, without a library.

Colours are classes, not values, so that the page and the file alike can follow the reader's light
or dark setting. A marker's shape says the category too, for those who print in grey.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from engine.category import DETECTABLE, Category

COLOURS = {category: category.traits.colour for category in DETECTABLE}
DARK_COLOURS = {category: category.traits.dark_colour for category in DETECTABLE}
_MARKER_CORNERS = {
    "square": [(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)],
    "diamond": [(0.0, -1.25), (1.25, 0.0), (0.0, 1.25), (-1.25, 0.0)],
    "triangle-up": [(0.0, -1.25), (1.1, 0.8), (-1.1, 0.8)],
}

_INK = (
    "svg.figure{{color-scheme:light dark;font:12px system-ui,sans-serif;"
    "--ink:{ink};--soft:{soft};--grid:{grid};--ground:{ground};{colours}}}"
)
_RULES = """svg.figure .ground{fill:var(--ground)}
svg.figure text{fill:var(--ink)}
svg.figure text.soft{fill:var(--soft)}
svg.figure text.strong{font-weight:600}
svg.figure .grid{stroke:var(--grid);stroke-width:1}
svg.figure .axis{stroke:var(--soft);stroke-width:1}
svg.figure .target{stroke:var(--ink);stroke-width:1.5;stroke-dasharray:5 3}
svg.figure .curve{fill:none;stroke-width:2}
svg.figure .dash-line{stroke-dasharray:5 4}
svg.figure .dot-line{stroke-dasharray:2 3}
svg.figure .neutral{stroke:var(--soft);stroke-width:1.5}
svg.figure .interval{stroke-width:2.5;stroke-linecap:round}
svg.figure .hollow{fill:var(--ground)}
svg.figure rect.bar{fill-opacity:.55;stroke:none}
svg.figure text.small{font-size:8px}
"""


@dataclass(frozen=True, slots=True)
class Scale:
    """Values to pixels, evenly."""

    low: float
    high: float
    start_px: float
    end_px: float

    def at(self, value: float) -> float:
        """Where a value lies; values outside lie at the nearer end."""
        inside = min(max(value, self.low), self.high)
        return self.start_px + (inside - self.low) / (self.high - self.low) * (
            self.end_px - self.start_px
        )


def style() -> str:
    """The rules all drawings share, for a page or a file."""
    light = _INK.format(
        ink="#1F2933", soft="#5B6770", grid="#E3E7EA", ground="#FFFFFF", colours=_hues(COLOURS)
    )
    dark = _INK.format(
        ink="#E6EAED", soft="#A3AFB8", grid="#333C44", ground="#171C20", colours=_hues(DARK_COLOURS)
    )
    marks = "".join(
        f"svg.figure .{category.value}{{stroke:var(--{category.value})}}"
        f"svg.figure .{category.value}.solid{{fill:var(--{category.value})}}\n"
        for category in COLOURS
    )
    return f"{light}\n{_RULES}{marks}@media screen and (prefers-color-scheme:dark){{{dark}}}\n"


def drawing(name: str, size: tuple[int, int], title: str, parts: Iterable[str]) -> str:
    """An `svg` element for a page.

    Args:
        name: unique in the page.
        size: width and height of its own pixels; it is shown as large as there is room.
        title: what it shows, for those who cannot see it.
        parts: what the functions below make.
    """
    width, height = size
    return (
        f'<svg class="figure" role="img" aria-labelledby="{name}-title" '
        f'viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
        f'<title id="{name}-title">{escape(title)}</title>'
        f'<rect class="ground" width="{width}" height="{height}"/>{"".join(parts)}</svg>\n'
    )


def as_file(element: str) -> str:
    """The same drawing as a file of its own."""
    start, rest = element.split(">", 1)
    space = "http://www.w3.org/2000/svg"
    return f'{start} xmlns="{space}"><style>\n{style()}</style>{rest}'


def line(start: tuple[float, float], end: tuple[float, float], kind: str) -> str:
    """A straight line."""
    (x1, y1), (x2, y2) = start, end
    return f'<line class="{kind}" x1="{_px(x1)}" y1="{_px(y1)}" x2="{_px(x2)}" y2="{_px(y2)}"/>'


def text(at: tuple[float, float], content: str, kind: str = "", *, anchor: str = "start") -> str:
    """Words; `anchor` is start, middle or end."""
    x, y = at
    return (
        f'<text class="{kind}" x="{_px(x)}" y="{_px(y)}" text-anchor="{anchor}">'
        f"{escape(content)}</text>"
    )


def curve(points: Sequence[tuple[float, float]], kind: str) -> str:
    """A line through points."""
    path = " ".join(f"{_px(x)},{_px(y)}" for x, y in points)
    return f'<polyline class="curve {kind}" points="{path}"/>'


def bar(corner: tuple[float, float], opposite: tuple[float, float], kind: str) -> str:
    """A rectangle from its upper left to its lower right corner."""
    (x1, y1), (x2, y2) = corner, opposite
    return (
        f'<rect class="bar {kind} solid" x="{_px(x1)}" y="{_px(y1)}" width="{_px(x2 - x1)}" '
        f'height="{_px(y2 - y1)}"/>'
    )


def marker(
    at: tuple[float, float], category: Category, radius: float = 5.0, *, is_hollow: bool = False
) -> str:
    """The category's mark as an SVG shape."""
    x, y = at
    kind = f"{category.value} {'hollow' if is_hollow else 'solid'}"
    if category.traits.mark == "circle":
        return f'<circle class="{kind}" cx="{_px(x)}" cy="{_px(y)}" r="{_px(radius)}"/>'
    corners = _MARKER_CORNERS[category.traits.mark]
    path = " ".join(f"{_px(x + dx * radius)},{_px(y + dy * radius)}" for dx, dy in corners)
    return f'<polygon class="{kind}" points="{path}"/>'


def _hues(colours: dict[Category, str]) -> str:
    return "".join(f"--{category.value}:{colour};" for category, colour in colours.items())


def _px(value: float) -> str:
    return f"{value:.1f}"
