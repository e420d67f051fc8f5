"""`docs/lineage.md` and its picture: from which feeds and core models each published table is made."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from itertools import cycle
from pathlib import PurePosixPath

from kam.build import Model, marts, models, read_by
from kam.site import FEEDS

_ROW, _TOP, _WIDTH, _BOX = 26, 40, 900, 190
_COLUMNS = {"feeds": 0, "subjects": 355, "tables": 710}
# One hue per subject, so that a line can be followed to its table; all have contrast on white and on black.
_HUES = ("#2f6fbd", "#b3541e", "#3d8b40", "#8b4fb0", "#a8327e", "#87701a", "#2a8a8a", "#6b6b6b")


def lineage_page() -> str:
    """What each table reads, and what each feed reaches."""
    known = models()
    reach = {mart.name: read_by([mart.relation]) - {mart.relation} for mart in marts()}
    parts = [
        "# Lineage\n",
        "From which feeds and core models each published table is made, as their SQL says. The picture shows the subjects, which",
        "are the folders of `sql/core` and `sql/marts`. The tables below name each model.\n",
        "![Feeds, the subjects whose models read them, and the tables made from these](lineage.svg)\n",
        "## From tables to feeds\n",
        "| table | feeds | models, in the order in which they are built |",
        "|---|---|---|",
    ]
    for mart in marts():
        feeds = ", ".join(f"[{name}](feeds.md#{name})" for name in FEEDS if f"core.{name}" in reach[mart.name])
        steps = ", ".join(f"`{model.name}`" for name, model in known.items() if name in reach[mart.name])
        parts.append(f"| [{mart.name}](metrics.md#{mart.name}) | {feeds} | {steps} |")
    parts += ["", "## From feeds to tables\n", "| feed | read by | tables |", "|---|---|---|"]
    for feed in FEEDS:
        readers = ", ".join(f"`{model.name}`" for model in known.values() if f"core.{feed}" in model.references)
        tables = ", ".join(f"[{name}](metrics.md#{name})" for name, read in reach.items() if f"core.{feed}" in read)
        parts.append(f"| [{feed}](feeds.md#{feed}) | {readers} | {tables} |")
    return "\n".join([*parts, ""])


def _subject(model: Model) -> str:
    """The folder of a model: `receivables` for `sql/core/receivables/….sql`."""
    return PurePosixPath(model.file).parent.name


def lineage_picture() -> str:
    """An SVG: feeds, subjects, tables; a feed leads to the subjects whose models read it, these to the tables made from them."""
    into_subjects, into_tables = _links()
    names = {
        "feeds": list(FEEDS),
        "subjects": sorted({subject for _, subject in into_subjects}),
        "tables": [mart.name for mart in sorted(marts(), key=lambda mart: (_subject(mart), mart.name))],
    }
    hue = dict(zip(names["subjects"], cycle(_HUES), strict=False))
    height = _TOP + _ROW * max(map(len, names.values())) + 6
    places = {column: _places(labels, height) for column, labels in names.items()}
    lines = [
        _line(
            _COLUMNS["feeds"] + _BOX,
            places["feeds"][feed],
            _COLUMNS["subjects"],
            places["subjects"][subject],
            hue[subject],
        )
        for feed, subject in sorted(into_subjects)
    ]
    lines += [
        _line(
            _COLUMNS["subjects"] + _BOX,
            places["subjects"][subject],
            _COLUMNS["tables"],
            places["tables"][mart],
            hue[subject],
        )
        for subject, mart in sorted(into_tables)
    ]
    boxes = [
        _box(_COLUMNS[column], y, label, hue.get(label, "#888888") if column == "subjects" else "#888888")
        for column, labels in places.items()
        for label, y in labels.items()
    ]
    heads = [_head(column) for column in names]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif" font-size="13">',
            "<title>Lineage: feeds, subjects, tables</title>",
            f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
            *heads,
            *lines,
            *boxes,
            "</svg>",
            "",
        ]
    )


def _links() -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """Which feed leads to which subject, and which subject to which table."""
    known = models()
    into_subjects = {
        (feed, _subject(model)) for model in known.values() for feed in FEEDS if f"core.{feed}" in model.references
    }
    subjects = {subject for _, subject in into_subjects}
    into_tables = {
        (_subject(known[name]), mart.name)
        for mart in marts()
        for name in read_by([mart.relation])
        if name in known and _subject(known[name]) in subjects
    }
    return into_subjects, into_tables


def _places(labels: Iterable[str], height: int) -> dict[str, float]:
    """The middle of each label's row; a column is spread over the whole height."""
    listed = list(labels)
    step = (height - _TOP) / len(listed)
    return {label: _TOP + step * (position + 0.5) for position, label in enumerate(listed)}


def _line(left: float, start: float, right: float, end: float, colour: str) -> str:
    middle = (left + right) / 2
    curve = f"M{left} {start:.1f} C{middle} {start:.1f} {middle} {end:.1f} {right} {end:.1f}"
    return f'<path d="{curve}" fill="none" stroke="{colour}" stroke-width="1.4" stroke-opacity="0.75"/>'


def _box(left: float, middle: float, label: str, colour: str) -> str:
    return (
        f'<rect x="{left + 0.5}" y="{middle - 10.5:.1f}" width="{_BOX - 1}" height="21" rx="4" fill="#f7f7f7" stroke="{colour}"/>'
        f'<text x="{left + _BOX / 2}" y="{middle + 4.5:.1f}" text-anchor="middle" fill="#1c1c1c">{escape(label)}</text>'
    )


def _head(column: str) -> str:
    middle = _COLUMNS[column] + _BOX / 2
    return f'<text x="{middle}" y="22" text-anchor="middle" font-weight="bold" fill="#1c1c1c">{column}</text>'
