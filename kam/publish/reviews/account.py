"""The page of an account: its story, its sections with charts and figures, and the lines behind them."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import shlex
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from kam.periods import month_name
from kam.publish.reviews.charts import Chart, Picture, Series, Step, buckets, draw, monthly_bars, trend, waterfall
from kam.publish.reviews.facts import EFFECTS, Facts, Row, facts_of
from kam.publish.reviews.figures import figure_text
from kam.publish.reviews.lines import DEFINITIONS, Table, columns_of, lines_table
from kam.publish.reviews.ranking import Ranked
from kam.publish.reviews.render import render_page
from kam.publish.reviews.sections import LINES_OF_FIGURE, NAMES, SECTION_OF_TABLE, SECTIONS, Section
from kam.publish.reviews.story import story
from kam.site import Site
from kam.warehouse import Connection

_READ_AT_ONCE, _AT_ONCE, _DRAWN_AT_ONCE = 250, 125, 10
"""Accounts whose facts are read at once, whose pages a process makes at once, and whose charts are drawn at once."""
_MANY = 600
"""From so many accounts on, processes share the pages: each takes two to five seconds of CPU to start, a page 0.01 to 0.05."""
_MOST_PROCESSES = 4
_Item = TypeVar("_Item")
_TARGETS: Mapping[str, str] = {"otif_ratio": "otif_below_target", "ppm": "ppm_above_target"}


@dataclass(frozen=True)
class Figure:
    """A row of a section's table: what it is, where that is defined, where its lines are, and its values as text."""

    name: str
    definition: str
    lines: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Shown:
    """A section as it is shown."""

    key: str
    title: str
    figures: Sequence[Figure]
    pictures: Sequence[Picture]
    tables: Sequence[Table]


def write_account_pages(con: Connection, site: Site, month: date, accounts: Sequence[Ranked], folder: Path) -> None:
    """Write the page of each account into a folder. Processes share the pages of many accounts; this one reads the published file.

    Raises `OSError` when a page cannot be written.
    """
    processes = min(os.cpu_count() or 1, _MOST_PROCESSES)
    batches = _batches(con, month, accounts)
    if len(accounts) < _MANY or processes == 1:
        for batch in batches:
            _write_pages(site, month, batch, folder)
        return
    # A process that is forked would have the threads of DuckDB in a state that nobody knows.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        under_way = deque(
            pool.submit(_write_pages, site, month, batch, folder) for batch in itertools.islice(batches, processes + 1)
        )
        while under_way:
            under_way.popleft().result()
            under_way += [
                pool.submit(_write_pages, site, month, batch, folder) for batch in itertools.islice(batches, 1)
            ]


def _batches(con: Connection, month: date, accounts: Sequence[Ranked]) -> Iterator[Sequence[tuple[Ranked, Facts]]]:
    for some in _cut(accounts, _READ_AT_ONCE):
        facts = facts_of(con, month, [ranked.account.row["account_id"] for ranked in some])
        yield from _cut([(ranked, facts[ranked.account.row["account_id"]]) for ranked in some], _AT_ONCE)


def _cut(items: Sequence[_Item], size: int) -> Iterator[Sequence[_Item]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def _write_pages(site: Site, month: date, batch: Sequence[tuple[Ranked, Facts]], folder: Path) -> None:
    """Write pages where they are made: between processes they would go through a pipe."""
    for some in _cut(batch, _DRAWN_AT_ONCE):
        charts = [_charts(facts, ranked.account.flags, site.settings.site.reporting_currency) for ranked, facts in some]
        drawn = iter(draw([chart for of_page in charts for of_section in of_page.values() for chart in of_section]))
        for (ranked, facts), of_page in zip(some, charts, strict=True):
            pictures = {key: [next(drawn) for _ in of_section] for key, of_section in of_page.items()}
            page = _page(site, month, ranked, facts, pictures)
            (folder / ranked.account.page).write_text(page, encoding="utf-8")


def _page(site: Site, month: date, ranked: Ranked, facts: Facts, pictures: Mapping[str, Sequence[Picture]]) -> str:
    shown = [_shown(section, facts, pictures.get(section.key, ())) for section in SECTIONS]
    with_data = [section for section in shown if section.figures or section.tables]
    return render_page(
        "account.html.j2",
        site,
        month,
        account=ranked.account,
        reasons=[{**reason.flag, "sentence": reason.sentence} for reason in ranked.reasons],
        story=story(facts, [reason.sentence for reason in ranked.reasons], site.settings.site.reporting_currency),
        sections=with_data,
        without=[section.title for section in shown if section not in with_data],
        anchors={"attention", *(section.key for section in with_data)},
        section_of_table=SECTION_OF_TABLE,
        definitions=DEFINITIONS,
        explain=f"kam explain FIGURE --account {shlex.quote(str(ranked.account.row['account_id']))} --month {month_name(month)}",
    )


def _shown(section: Section, facts: Facts, pictures: Sequence[Picture]) -> Shown:
    tables = [lines_table(lines, facts.lines[lines.name]) for lines in section.lines if lines.name in facts.lines]
    anchors = [table.anchor for table in tables]
    figures = []
    for table, columns in section.figures:
        for name in columns:
            values = facts.figures.get((table, name), (None, None, None))
            if all(value is None for value in values):
                continue
            column = columns_of(table)[name]
            behind = LINES_OF_FIGURE.get(name, anchors[0] if anchors else "")
            figures.append(
                Figure(
                    NAMES[name],
                    f"{DEFINITIONS}#{table}.{name}",
                    f"#{behind}" if behind in anchors else "",
                    tuple(figure_text(value, column.unit) for value in values),
                )
            )
    return Shown(section.key, section.title, figures, pictures, tables)


def _charts(facts: Facts, flags: Sequence[Row], currency: str) -> dict[str, list[Chart]]:
    """The charts by section; what is not known has none."""
    targets = {flag["rule"]: flag["threshold"] for flag in flags}
    made = {
        "sales": [_sales(facts, currency), _to_plan(facts, currency), _to_year_ago(facts, currency)],
        "receivables": [_ageing(facts, currency)],
        "rating": [_rating(facts)],
        "delivery": [
            _on_time(facts, targets.get(_TARGETS["otif_ratio"])),
            _rejects(facts, targets.get(_TARGETS["ppm"])),
        ],
    }
    return {key: [chart for chart in charts if chart] for key, charts in made.items()}


def _by_month(facts: Facts, column: str) -> list[Any]:
    return [row.get(column) for row in facts.history.values()]


def _known(facts: Facts, columns: Mapping[str, str]) -> list[Series]:
    """The series by name that are known in some month."""
    every = (Series(name, _by_month(facts, column)) for name, column in columns.items())
    return [series for series in every if any(value is not None for value in series.values)]


def _sales(facts: Facts, currency: str) -> Chart | None:
    months = [*facts.history]
    if len(months) < 2:  # noqa: PLR2004 - one bar shows nothing that the table does not
        return None
    lines = _known(facts, {"plan": "plan_amount", "a year ago": "prior_year_net_sales_amount"})
    against = f" against {' and '.join(line.name for line in lines)}" if lines else ""
    message = f"Net sales by month{against}"
    return monthly_bars(months, Series("sales", _by_month(facts, "net_sales_amount")), lines, currency, message)


def _to_plan(facts: Facts, currency: str) -> Chart | None:
    plan = facts.plan
    return _bridge(plan, plan.get("plan_amount"), plan.get("actual_amount"), "plan", currency)


def _to_year_ago(facts: Facts, currency: str) -> Chart | None:
    bridge = facts.year_bridge
    return _bridge(bridge, bridge.get("before"), bridge.get("now"), "a year ago", currency)


def _bridge(bridge: Row, before: Decimal | None, now: Decimal | None, name: str, currency: str) -> Chart | None:
    """From one level over what each effect brought to this month's; what the effects do not explain is a step of its own.

    Nothing leads from 0: then all is new, and there is none.
    """
    effects = {text: bridge.get(f"{key}_effect") for key, text in EFFECTS.items()}
    if not before or now is None or any(effect is None for effect in effects.values()):
        return None
    known = {text: effect for text, effect in effects.items() if effect}
    rest = now - before - sum(known.values())
    if abs(rest) >= 1:
        known["not explained"] = rest
    steps = [Step(name, before, is_total=True), *(Step(text, effect) for text, effect in known.items())]
    message = f"From {before:,.0f} {currency} {'planned' if name == 'plan' else name} to {now:,.0f} {currency}: {now - before:+,.0f}"
    return waterfall([*steps, Step("this month", now, is_total=True)], currency, message)


def _ageing(facts: Facts, currency: str) -> Chart | None:
    names: dict[str, int] = {row["bucket"]: row["bucket_no"] for row in facts.buckets}
    ordered = sorted(names, key=lambda name: names[name])
    amounts = {(row["bucket"], row["period_month"]): row["outstanding_amount"] for row in facts.buckets}
    months = sorted({row["period_month"] for row in facts.buckets}, reverse=True)
    if not months or months[0] != facts.month:
        return None
    # A bucket without a row holds nothing.
    now, before = (
        Series(text, [amounts.get((name, month), 0) for name in ordered])
        for text, month in (("this month", facts.month), ("last month", months[-1]))
    )
    message = "What the account owes by days overdue"
    return buckets(ordered, now, before if len(months) > 1 else None, currency, message)


def _rating(facts: Facts) -> Chart | None:
    series = _known(facts, {"customer": "customer_score", "our records": "own_score"})
    message = f"Overall rating: {' and '.join(one.name for one in series)}"
    return trend([*facts.history], series, "points", message)


def _on_time(facts: Facts, target: Decimal | None) -> Chart | None:
    percent = None if target is None else target * 100
    lines = [Series("OTIF", _by_month(facts, "otif_percent"))]
    return trend(
        [*facts.history], lines, "% of order lines", "Order lines on time in full", target=percent, from_zero=True
    )


def _rejects(facts: Facts, target: Decimal | None) -> Chart | None:
    lines = [Series("rejects", _by_month(facts, "ppm"))]
    return trend(
        [*facts.history],
        lines,
        "parts per million",
        "Rejected parts per million delivered",
        target=target,
        from_zero=True,
    )
