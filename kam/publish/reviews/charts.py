"""Charts of the pages as SVG: Altair describes them, vl-convert draws them, and nothing of it is left in a page but the drawing.

Each chart is bars, rules, points and texts at places in pixels. That description is compiled once, and charts are drawn at once:
a chart then takes a few milliseconds. Colours are CSS variables, and the page's style sets the font, so a chart follows dark mode and paper.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from markupsafe import Markup, escape

from kam.periods import month_name

Value = Any
"""A number of any kind, or None where it is unknown."""

_WIDTH, _HEIGHT = 440, 230
_LEFT, _TOP, _BOTTOM = 48, 26, 36
_NARROW_RIGHT, _WIDE_RIGHT = 10, 78
_LINE_HEIGHT, _LETTER = 13, 6.2
"""Pixels of a line of text, and of a letter on average, at the size that the style sets."""
_TICKS = 4
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_INK, _MUTED, _GRID = "var(--ink)", "var(--muted)", "var(--line)"
_BLUE, _ORANGE, _GREEN, _GREY = "var(--chart-1)", "var(--chart-2)", "var(--chart-3)", "var(--chart-4)"
_OF_LINES, _OVER_BARS = (_BLUE, _ORANGE, _GREEN), (_INK, _ORANGE, _GREEN)
_DASHES: tuple[list[int], ...] = ([], [5, 3], [2, 3])
_MARKS = ("bars", "rules", "points", "texts")
_ELEMENTS = {"bars": "path", "rules": "line", "points": "path", "texts": "text"}
_NEEDLESS = re.compile(r' font-family="[^"]*" font-size="0px"| stroke-dasharray=""')


@dataclass(frozen=True)
class Chart:
    """A chart to draw: its message for people who do not see it, its numbers as a table (head and rows of text), and its marks."""

    message: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    marks: dict[str, list[dict[str, object]]]


@dataclass(frozen=True)
class Picture:
    """A drawn chart: the SVG to put into a page, its message, and the table of its numbers as HTML."""

    svg: Markup
    message: str
    table: Markup


@dataclass(frozen=True)
class Series:
    """Values of one thing, one per month or bucket of the chart; None where it is unknown."""

    name: str
    values: Sequence[Value]


@dataclass(frozen=True)
class Step:
    """A step of a waterfall: what it adds, or the level that it shows (`is_total`)."""

    name: str
    amount: Value
    is_total: bool = False


def monthly_bars(
    months: Sequence[date], bars: Series, lines: Sequence[Series], unit: str, message: str
) -> Chart | None:
    """Bars by month with lines, such as sales against plan and a year ago; None if no bar is known."""
    if all(value is None for value in bars.values):
        return None
    drawing = _Drawing(len(months), [bars, *lines], unit, right=_WIDE_RIGHT, from_zero=True)
    for index, value in enumerate(_floats(bars.values)):
        if value is not None:
            drawing.bar(index + 0.2, index + 0.8, 0.0, value, _BLUE)
    for line, colour, dash in zip(lines, _OVER_BARS, _DASHES, strict=False):
        drawing.line(line, colour, dash)
    drawing.names_at_the_end([(bars, _BLUE), *zip(lines, _OVER_BARS, strict=False)])
    drawing.months(months)
    return drawing.chart(message, ("Month", *_with_unit([bars, *lines], unit)), map(month_name, months), [bars, *lines])


def trend(
    months: Sequence[date],
    series: Sequence[Series],
    unit: str,
    message: str,
    *,
    target: Value = None,
    from_zero: bool = False,
) -> Chart | None:
    """Lines by month, with a target that is the same in all months; None with fewer than two known months."""
    if max((sum(value is not None for value in one.values) for one in series), default=0) < 2:  # noqa: PLR2004 - a line
        return None
    limit = [Series("target", [target] * len(months))] if target is not None else []
    drawing = _Drawing(len(months), [*series, *limit], unit, right=_WIDE_RIGHT, from_zero=from_zero)
    for line, colour, dash in zip(series, _OF_LINES, _DASHES, strict=False):
        drawing.line(line, colour, dash)
    if limit:
        drawing.rule(0, len(months), float(target), float(target), _MUTED, dash=[6, 4])
    drawing.names_at_the_end([*zip(series, _OF_LINES, strict=False), *((line, _MUTED) for line in limit)])
    drawing.months(months)
    return drawing.chart(message, ("Month", *_with_unit(series, unit)), map(month_name, months), series)


def buckets(names: Sequence[str], now: Series, before: Series | None, unit: str, message: str) -> Chart | None:
    """Bars by bucket with a mark where each stood before, such as ageing; None if nothing is known."""
    if all(value is None for value in now.values):
        return None
    shown = [now, before] if before else [now]
    drawing = _Drawing(len(names), shown, unit, right=_NARROW_RIGHT, from_zero=True)
    marks = _floats(before.values if before else [None] * len(names))
    for index, (value, mark) in enumerate(zip(_floats(now.values), marks, strict=True)):
        if value is not None:
            drawing.bar(index + 0.15, index + 0.85, 0.0, value, _BLUE)
            drawing.text(index + 0.5, max(value, mark or 0.0, 0.0), short_number(value), up=5)
        if mark is not None:
            drawing.rule(index + 0.08, index + 0.92, mark, mark, _ORANGE, width=2.5)
    drawing.names_below(names)
    if before:
        drawing.key([(now.name, _BLUE), (before.name, _ORANGE)])
    return drawing.chart(message, ("", *_with_unit(shown, unit)), names, shown)


def waterfall(steps: Sequence[Step], unit: str, message: str) -> Chart | None:
    """From one level over what each step adds to the other; None if a step is unknown."""
    if not steps or any(step.amount is None for step in steps):
        return None
    level, spans = 0.0, []
    for step in steps:
        start, end = (0.0, float(step.amount)) if step.is_total else (level, level + float(step.amount))
        spans.append((start, end))
        level = end
    ends = [end for _, end in spans]
    # Where all levels are far from 0, the steps between them would be slivers: the axis then starts above 0, and says so.
    is_cut = min(ends) > max(ends) / 2
    foot = (
        [min(ends) - (max(ends) - min(ends)) / 5 or min(ends) / 2]
        if is_cut
        else [edge for span in spans for edge in span]
    )
    levels = Series("", [*ends, *foot])
    drawing = _Drawing(len(steps), [levels], unit, right=_NARROW_RIGHT, from_zero=not is_cut)
    for index, (step, (start, end)) in enumerate(zip(steps, spans, strict=True)):
        colour = _GREY if step.is_total else _BLUE if end >= start else _ORANGE
        drawing.bar(index + 0.12, index + 0.88, start, end, colour)
        if index + 1 < len(steps):
            drawing.rule(index + 0.88, index + 1.12, end, end, _MUTED)
        drawing.text(index + 0.5, max(start, end), short_number(step.amount, sign=not step.is_total), up=5)
    drawing.names_below([step.name for step in steps])
    amounts = Series("Amount", [step.amount for step in steps])
    return drawing.chart(message, ("Step", *_with_unit([amounts], unit)), [step.name for step in steps], [amounts])


def short_number(value: Value, *, sign: bool = False) -> str:
    """A number for a place where there is little: 1.2 M, 350 k, 12.5."""
    if value is None:
        return "–"
    scaled, name = _scaled(float(value))
    # Three digits say enough of a number.
    decimals = next((count for count, least in ((0, 99.95), (1, 9.995)) if abs(scaled) >= least), 2)
    text = f"{scaled:,.{decimals}f}"
    text = text.rstrip("0").rstrip(".") if decimals else text
    return f"{'+' if sign and scaled > 0 else ''}{text}{name}"


def _scaled(number: float) -> tuple[float, str]:
    if abs(number) >= 999_500:  # noqa: PLR2004 - it would be shown as 1,000 k
        return number / 1e6, " M"
    return (number / 1e3, " k") if abs(number) >= 999.5 else (number, "")  # noqa: PLR2004


def _tick(number: float) -> str:
    scaled, name = _scaled(number)
    return f"{round(scaled, 6):,.6g}{name}"


def draw(charts: Sequence[Chart]) -> list[Picture]:
    """The drawings of charts, in their order. Charts of several pages are best drawn at once: a run costs more than what is in it."""
    if not charts:
        return []
    import vl_convert

    data = [{"name": mark, "values": [item for chart in charts for item in chart.marks[mark]]} for mark in _MARKS]
    drawn = _NEEDLESS.sub("", vl_convert.vega_to_svg(json.dumps(_frame() | {"data": data})))
    # The charts lie on top of each other. Each kind of mark is a group with an element per row, so they are dealt out by number.
    dealt = {mark: iter(_elements(drawn, number, mark)) for number, mark in enumerate(_MARKS)}
    pictures = []
    for chart in charts:
        inner = "".join(next(dealt[mark]) for mark in _MARKS for _ in chart.marks[mark])
        # vl-convert escapes what it writes; the message is ours to escape.
        svg = Markup(  # noqa: S704
            f'<svg class="chart" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(chart.message)}">'
            f'<g transform="translate({_LEFT},{_TOP})">{inner}</g></svg>'
        )
        pictures.append(Picture(svg, chart.message, _table(chart)))
    return pictures


def _table(chart: Chart) -> Markup:
    first, *others = chart.head
    head = f'<th scope="col">{escape(first)}</th>' + "".join(
        f'<th scope="col" class="n">{escape(name)}</th>' for name in others
    )
    body = "".join(
        f'<tr><th scope="row"><bdi>{escape(name)}</bdi></th>{"".join(f"""<td class="n">{value}</td>""" for value in values)}</tr>\n'
        for name, *values in chart.rows
    )
    return Markup(f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>")  # noqa: S704 - escaped above


def _elements(drawn: str, number: int, mark: str) -> list[str]:
    """The elements of a kind of mark."""
    start = drawn.index(f"layer_{number}_marks")
    inside = drawn[drawn.index(">", start) + 1 : drawn.index("</g>", start)]
    name = _ELEMENTS[mark]
    return re.findall(rf"<{name} .*?</{name}>" if name == "text" else rf"<{name} [^>]*/>", inside, re.DOTALL)


class _Drawing:
    """What a chart is made of. It is told places along the x axis from 0, and values along the y axis, and keeps pixels."""

    def __init__(self, places: int, series: Sequence[Series], unit: str, *, right: int, from_zero: bool) -> None:
        known = [value for one in series for value in _floats(one.values) if value is not None]
        self._low, self._high, ticks = _scale(known, from_zero=from_zero)
        self._places, self._width = places, _WIDTH - _LEFT - right
        self._marks: dict[str, list[dict[str, object]]] = {mark: [] for mark in _MARKS}
        for tick in ticks:
            self.rule(0, places, tick, tick, _GRID)
            self.text(0, tick, _tick(tick), right=-6, up=-4, align="right", colour=_MUTED)
        start = f", axis from {_tick(self._low)}" if self._low > 0 and unit else ""
        self.text(0, self._high, f"{unit}{start}", right=-_LEFT, up=14, align="left", colour=_MUTED)

    def _x(self, place: float, right: float = 0) -> float:
        return _quarters(place * self._width / self._places + right)

    def _y(self, value: float, up: float = 0) -> float:
        height = _HEIGHT - _TOP - _BOTTOM
        inside = max(value, self._low)
        return _quarters(height - (inside - self._low) * height / (self._high - self._low) - up)

    def bar(self, x: float, x2: float, y: float, y2: float, colour: str) -> None:
        edges = {"x": self._x(x), "x2": self._x(x2), "y": self._y(y), "y2": self._y(y2)}
        self._marks["bars"].append({**edges, "colour": colour})

    def rule(
        self, x: float, x2: float, y: float, y2: float, colour: str, width: float = 1, dash: Sequence[int] = ()
    ) -> None:
        ends = {"x": self._x(x), "x2": self._x(x2), "y": self._y(y), "y2": self._y(y2)}
        self._marks["rules"].append({**ends, "colour": colour, "width": width, "dash": [*dash]})

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        right: float = 0,
        up: float = 0,
        align: str = "center",
        colour: str = _INK,
    ) -> None:
        place = {"x": self._x(x, right), "y": self._y(y, up)}
        self._marks["texts"].append({**place, "text": text, "align": align, "colour": colour})

    def line(self, line: Series, colour: str, dash: Sequence[int]) -> None:
        """A line with points; it is open where a month is unknown."""
        values = _floats(line.values)
        for index, value in enumerate(values):
            if value is None:
                continue
            self._marks["points"].append({"x": self._x(index + 0.5), "y": self._y(value), "colour": colour})
            after = values[index + 1] if index + 1 < len(values) else None
            if after is not None:
                self.rule(index + 0.5, index + 1.5, value, after, colour, 2, dash)

    def names_at_the_end(self, series: Sequence[tuple[Series, str]]) -> None:
        """Each series' name beside its last known value, in its colour, and none on top of another."""
        ends = []
        for one, colour in series:
            known = [value for value in _floats(one.values) if value is not None]
            if known:
                ends.append((self._y(known[-1], up=-4), one.name, colour))
        free = math.inf
        for at, name, colour in sorted(ends, reverse=True):
            free = min(at, free - _LINE_HEIGHT)
            place = {"x": self._x(self._places, right=5), "y": free}
            self._marks["texts"].append({**place, "text": name, "align": "left", "colour": colour})

    def key(self, names: Sequence[tuple[str, str]]) -> None:
        """What the colours mean, at the top."""
        right = self._width - sum(len(name) * _LETTER + 22 for name, _ in names)
        for name, colour in names:
            at = right * self._places / self._width
            top = {"y": self._y(self._high, up=18), "y2": self._y(self._high, up=18)}
            ends = {"x": self._x(at), "x2": self._x(at, right=10), **top}
            self._marks["rules"].append({**ends, "colour": colour, "width": 4, "dash": []})
            self.text(at, self._high, name, right=14, up=14, align="left", colour=_MUTED)
            right += len(name) * _LETTER + 22

    def months(self, months: Sequence[date]) -> None:
        """The months below the axis, with the year at the first and at each January."""
        for index, month in enumerate(months):
            self.text(index + 0.5, self._low, _MONTHS[month.month - 1], up=-16, colour=_MUTED)
            if index == 0 or month.month == 1:
                self.text(index + 0.5, self._low, str(month.year), up=-16 - _LINE_HEIGHT, colour=_MUTED)

    def names_below(self, names: Sequence[str]) -> None:
        """The names below the axis, on two lines if there is no room on one."""
        room = max(int(self._width / max(self._places, 1) / _LETTER) - 1, 4)
        for index, name in enumerate(names):
            for number, line in enumerate(_broken(name, room)):
                self.text(index + 0.5, self._low, line, up=-16 - number * _LINE_HEIGHT, colour=_MUTED)

    def chart(self, message: str, head: tuple[str, ...], names: Iterable[str], series: Sequence[Series]) -> Chart:
        self.rule(0, self._places, max(self._low, 0.0), max(self._low, 0.0), _MUTED)
        rows = [
            (name, *("–" if one.values[index] is None else _exactly(one.values[index]) for one in series))
            for index, name in enumerate(names)
        ]
        return Chart(message, head, tuple(rows), self._marks)


@cache
def _frame() -> dict[str, Any]:
    """The description of all charts, compiled. Texts have size 0: they are not measured then, and the page's style sets the size."""
    import altair as alt
    import vl_convert

    x, y = alt.X("x:Q", axis=None, scale=None), alt.Y("y:Q", axis=None, scale=None)
    stroke, fill = alt.Stroke("colour:N", scale=None), alt.Fill("colour:N", scale=None)
    width = alt.StrokeWidth("width:Q", scale=None)
    layers = alt.layer(
        _rows_of("bars").mark_rect().encode(x=x, x2="x2", y=y, y2="y2", fill=fill),
        _rows_of("rules")
        .mark_rule(strokeDash=alt.expr("datum.dash"))
        .encode(x=x, x2="x2", y=y, y2="y2", stroke=stroke, strokeWidth=width),
        _rows_of("points").mark_circle(size=26, opacity=1).encode(x=x, y=y, fill=fill),
        _rows_of("texts")
        .mark_text(fontSize=0, baseline="alphabetic", align=alt.expr("datum.align"))
        .encode(x=x, y=y, text="text:N", fill=fill),
    )
    size = {"width": _WIDTH, "height": _HEIGHT, "autosize": alt.AutoSizeParams(type="none")}
    described = layers.properties(**size).configure(aria=False, mark={"invalid": None})
    return dict(vl_convert.vegalite_to_vega(described.to_dict()))


def _rows_of(mark: str) -> Any:  # noqa: ANN401 - Altair's chart, which is imported only where something is drawn
    import altair as alt

    return alt.Chart(alt.NamedData(name=mark))


def _quarters(pixels: float) -> float:
    """Quarters of a pixel: short, and exact in a computer's numbers."""
    return round(pixels * 4) / 4


def _scale(known: Sequence[float], *, from_zero: bool) -> tuple[float, float, list[float]]:
    """The lowest and the highest value of an axis and its ticks, all multiples of 1, 2, 2.5 or 5 times a power of ten."""
    low, high = min(known, default=0.0), max(known, default=1.0)
    if from_zero:
        low, high = min(low, 0.0), max(high, 0.0)
    if high == low:
        low, high = (0.0, high) if high > 0 else (low, 0.0) if low < 0 else (0.0, 1.0)
    rough = (high - low) / _TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return first * step, last * step, [number * step for number in range(first, last + 1)]


def _broken(name: str, room: int) -> list[str]:
    """A name on at most two lines of `room` letters; what has no room there ends in an ellipsis."""
    lines = [""]
    for word in name.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > room and len(lines) == 1:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".strip()
    return [line if len(line) <= room + 1 else f"{line[: room - 1]}…" for line in lines]


def _with_unit(series: Sequence[Series], unit: str) -> list[str]:
    return [f"{one.name}, {unit}" if unit else one.name for one in series]


def _floats(values: Sequence[Value]) -> list[float | None]:
    return [None if value is None else float(value) for value in values]


def _exactly(value: Value) -> str:
    number = float(value)
    return f"{number:,.0f}" if abs(number) >= 100 or number.is_integer() else f"{number:,.1f}"  # noqa: PLR2004
