"""The page of an account: its story, its sections with charts and figures, and the lines behind them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

from markupsafe import Markup, escape

from kam.build import MartColumn, published_tables
from kam.publish.quality_page import printable_text
from kam.publish.reviews.charts import Chart, Picture, Series, Step, buckets, draw, monthly_bars, trend, waterfall
from kam.publish.reviews.facts import EFFECTS, Facts, Found, Row, facts_of
from kam.publish.reviews.figures import Account, figure_text
from kam.publish.reviews.render import render_page
from kam.publish.reviews.sections import LINES_OF_FIGURE, NAMES, SECTION_OF_TABLE, SECTIONS, Lines, Section
from kam.publish.reviews.story import story
from kam.site import Site
from kam.warehouse import Connection

_DEFINITIONS = "../definitions.html"
_AT_ONCE = 200
"""Accounts whose facts are read, and kept, at once."""
_TARGETS: Mapping[str, str] = {"otif_ratio": "otif_below_target", "ppm": "ppm_above_target"}


@dataclass(frozen=True)
class Figure:
    """A row of a section's table: what it is, where that is defined, where its lines are, and its values as text."""

    name: str
    definition: str
    lines: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """Lines: `head` has per column its heading, the address of its definition (empty for one made for the page), and whether it has numbers.

    `body` is HTML: a template that writes each cell by itself would take most of the time of a page.
    """

    anchor: str
    title: str
    source: str
    head: Sequence[tuple[str, str, bool]]
    body: Markup
    total: int
    left_out: int


@dataclass(frozen=True)
class Shown:
    """A section as it is shown."""

    key: str
    title: str
    figures: Sequence[Figure]
    pictures: Sequence[Picture]
    tables: Sequence[Table]


def account_pages(con: Connection, site: Site, month: date, accounts: Sequence[Account]) -> Iterator[tuple[str, str]]:
    """The names of the accounts' pages and their HTML, one after the other."""
    for start in range(0, len(accounts), _AT_ONCE):
        some = accounts[start : start + _AT_ONCE]
        facts = facts_of(con, month, [account.row["account_id"] for account in some])
        for account in some:
            yield account.page, _page(site, month, account, facts[account.row["account_id"]])


def _page(site: Site, month: date, account: Account, facts: Facts) -> str:
    currency = site.settings.site.reporting_currency
    charts = _charts(facts, account.flags, currency)
    drawn = iter(draw([chart for of_section in charts.values() for chart in of_section]))
    pictures = {key: [next(drawn) for _ in of_section] for key, of_section in charts.items()}
    shown = [_shown(section, facts, pictures.get(section.key, ())) for section in SECTIONS]
    with_data = [section for section in shown if section.figures or section.tables]
    return render_page(
        "account.html.j2",
        site,
        month,
        account=account,
        story=story(facts, account.reasons, currency),
        sections=with_data,
        without=[section.title for section in shown if section not in with_data],
        anchors={"attention", *(section.key for section in with_data)},
        section_of_table=SECTION_OF_TABLE,
        definitions=_DEFINITIONS,
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
            column = _columns(table)[name]
            behind = LINES_OF_FIGURE.get(name, anchors[0] if anchors else "")
            figures.append(
                Figure(
                    NAMES[name],
                    f"{_DEFINITIONS}#{table}.{name}",
                    f"#{behind}" if behind in anchors else "",
                    tuple(figure_text(value, column.unit) for value in values),
                )
            )
    return Shown(section.key, section.title, figures, pictures, tables)


def lines_table(lines: Lines, found: Found) -> Table:
    """Lines as a page shows them."""
    columns = _columns(lines.table)
    head, cells = [], []
    for name, heading in lines.columns.items():
        column = columns.get(name)
        address = f"{_DEFINITIONS}#{lines.table}.{name}" if column else ""
        is_number = column.is_numeric if column else name == "days_late"
        head.append((heading, address, is_number))
        cells.append((name, _text_maker(column), '<td class="n">' if is_number else "<td>"))
    body = "".join(
        f"<tr>{''.join(f'{start}{escape(printable_text(make(row[name])))}</td>' for name, make, start in cells)}</tr>\n"
        for row in found.rows
    )
    source = f"reporting.{lines.table}"
    return Table(lines.name, lines.title, source, head, Markup(body), found.total, found.total - len(found.rows))  # noqa: S704


def _text_maker(column: MartColumn | None) -> Callable[[Any], str]:
    """How values of a column are written: money with cents, shares in percent, and other numbers as they are."""
    unit = column.unit if column else ""

    def text(value: Any) -> str:  # noqa: ANN401 - a value of any kind
        if value is None:
            return ""
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, Decimal):
            return (
                f"{value * 100:,.1f} %"
                if unit == "fraction"
                else f"{value:,.2f}"
                if unit == "reporting currency"
                else f"{value:,.2f}".rstrip("0").rstrip(".")
            )
        return str(value)

    return text


@cache
def _columns(table: str) -> Mapping[str, MartColumn]:
    (found,) = (one for one in published_tables() if one.name == table)
    return {column.name: column for column in found.columns}


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
    """From one level over what each effect brought to this month's; what the effects do not explain is a step of its own."""
    effects = {text: bridge.get(f"{key}_effect") for key, text in EFFECTS.items()}
    if before is None or now is None or any(effect is None for effect in effects.values()):
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
