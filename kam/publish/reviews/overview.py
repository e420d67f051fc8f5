"""The overview of a month: its headlines, and the accounts that need attention first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from kam.periods import add_months, month_name
from kam.publish.reviews.measures import Part, Shown, in_total, is_there, tables
from kam.publish.reviews.numbers import Change, change, shown, unit_text
from kam.publish.reviews.ranking import Ranked
from kam.publish.reviews.render import render_page
from kam.publish.reviews.subjects import subjects
from kam.site import Site
from kam.warehouse import Connection, literal, rows

_FULL, _FEWEST = 40, 5
"""The most accounts that the overview shows with all their reasons, so that it opens at once, and the fewest, where so many have some."""


@dataclass(frozen=True)
class _Wanted:
    """A headline: where it stands. `prior` is the column with the figure of a year ago, for when that month is not closed."""

    name: str
    table: str
    column: str
    where: str = ""
    prior: str = ""


_HEADLINES = (
    _Wanted("Net sales", "sales", "net_amount", prior="prior_year_net_amount"),
    _Wanted("Orders received", "sales", "ordered_amount", prior="prior_year_ordered_amount"),
    _Wanted("Open orders", "order_book", "closing_amount"),
    _Wanted("Open receivables", "receivables_kpis_total", "closing_amount"),
    _Wanted("Overdue share of invoices", "receivables_kpis_total", "overdue_ratio"),
    _Wanted("Days sales outstanding", "receivables_kpis_total", "dso_days"),
    _Wanted("On time in full", "delivery_performance", "otif_ratio", where="is_default_basis"),
    _Wanted("Rejected parts", "quality_performance", "ppm"),
    _Wanted("Gross margin", "account_profit", "gross_margin_ratio"),
    _Wanted("Profit after the costs of accounts", "account_profit", "profit_amount"),
    _Wanted("Actions overdue", "action_status", "overdue"),
)
_HEADINGS = (
    ("Net sales", "net_sales_amount", "account_review.net_sales_amount"),
    ("Overdue", "overdue_ratio", "account_review.overdue_ratio"),
    ("On time in full", "otif_ratio", "account_review.otif_ratio"),
    ("Rating", "rating_score", "account_review.rating_score"),
)
_TARGETS = """
    SELECT measure, target FROM reporting.target_attainment
    WHERE period_month = ? AND account_id IS NULL AND account_manager IS NULL
"""
# What targets are set for, where the figure in total has another table.
_TARGETED = {"receivables_kpis_total": "receivables_kpis_by_account"}


@dataclass(frozen=True)
class Headline:
    """A headline in total: against last month, a year ago, and plans or targets by name. `measure` is `table.column`."""

    name: str
    measure: str
    value: str
    unit: str
    last: Change | None
    year_ago: Change | None
    planned: tuple[tuple[str, Change | None], ...]


@dataclass(frozen=True)
class Links:
    """Where an overview finds the pages of its month (`base`), the data quality page, and other months by name; empty for what is not there."""

    base: str = ""
    quality: str = ""
    months: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of_month(cls, site: Site, month: date, months: Iterable[date]) -> Links:
        """Of the overview in the folder of its month."""
        return cls("", _quality(site, "../../"), _beside(month, months, "../"))

    @classmethod
    def of_front_page(cls, site: Site, month: date, months: Iterable[date]) -> Links:
        """Of the overview in `published/`."""
        return cls(f"months/{month_name(month)}/", _quality(site, ""), _beside(month, months, "months/"))


def _quality(site: Site, base: str) -> str:
    return f"{base}quality/index.html" if (site.published / "quality" / "index.html").exists() else ""


def _beside(month: date, months: Iterable[date], base: str) -> tuple[tuple[str, str], ...]:
    return tuple(
        (month_name(other), f"{base}{month_name(other)}/index.html")
        for other in sorted(months, reverse=True)
        if other != month
    )


def overview(con: Connection, site: Site, month: date, accounts: Sequence[Ranked], links: Links) -> str:
    """The overview as HTML."""
    (close,) = rows(con, "FROM reporting.closes WHERE is_newest AND period_month = ?", [month])
    flagged = [one for one in accounts if one.reasons]
    count = min(max(sum(one.is_to_call for one in flagged), _FEWEST), _FULL)
    managers = sorted({str(one.account.row["account_manager"]) for one in accounts})
    numbers = {manager: number for number, manager in enumerate(managers, 1)}
    # The filter needs no script: a button that is checked hides the rows of other managers.
    hiding = "".join(
        f"body:has(#m{number}:checked) .a:not(.m{number}) {{ display: none; }}" for number in numbers.values()
    )
    return render_page(
        "index.html.j2",
        site,
        month,
        style=hiding,
        links=links,
        close=close,
        first=flagged[:count],
        further=flagged[count:],
        others=[one for one in accounts if not one.reasons],
        to_call=sum(one.is_to_call for one in flagged),
        count=len(accounts),
        headings=_HEADINGS,
        numbers=numbers,
        figures=headlines(con, month, site.settings.site.reporting_currency),
        subjects=subjects(),
    )


def headlines(con: Connection, month: date, currency: str) -> list[Headline]:
    """The headlines that are known in the month."""
    targets = (
        {row["measure"]: row["target"] for row in rows(con, _TARGETS, [month])}
        if is_there(con, "target_attainment")
        else {}
    )
    found = [_headline(con, month, currency, targets, one) for one in _HEADLINES if is_there(con, one.table)]
    return [one for one in (*found, *_forecasts(con, month)) if one]


def _headline(
    con: Connection, month: date, currency: str, targets: Mapping[str, Any], wanted: _Wanted
) -> Headline | None:
    columns = {one.name: one for one in tables()[wanted.table].columns}
    of = columns[wanted.column]
    months = [add_months(month, -back) for back in (0, 1, 12)]
    asked = [Shown(columns[name], wanted.name) for name in (wanted.column, wanted.prior) if name]
    totals = in_total(con, Part(tables()[wanted.table], wanted.where), months, asked)
    now, last, year_ago = (totals.get(one, {}).get(wanted.column) for one in months)
    if now is None:
        return None
    if year_ago is None and wanted.prior:
        year_ago = totals[month][wanted.prior]
    planned = _plans(con, month) if (wanted.table, wanted.column) == ("sales", "net_amount") else ()
    target = targets.get(f"{_TARGETED.get(wanted.table, wanted.table)}.{wanted.column}")
    if target is not None:
        planned = (*planned, (f"target {shown(target, of.unit)}", change(now, target, of.unit, of.direction)))
    return Headline(
        wanted.name,
        f"{wanted.table}.{wanted.column}",
        shown(now, of.unit),
        unit_text(of.unit, currency),
        change(now, last, of.unit, of.direction),
        change(now, year_ago, of.unit, of.direction),
        planned,
    )


def _plans(con: Connection, month: date) -> tuple[tuple[str, Change | None], ...]:
    """Sales against each plan version. A version may plan a part of the sales only, so its own actual counts."""
    query = (
        "SELECT plan_version, actual_amount, plan_amount FROM reporting.sales_plan_summary_total "
        f"WHERE period_month = {literal(str(month))} ORDER BY plan_version"
    )
    return tuple(
        (row["plan_version"], change(row["actual_amount"], row["plan_amount"], "reporting currency", "more"))
        for row in rows(con, query)
    )


def _forecasts(con: Connection, month: date) -> list[Headline]:
    """The forecast error of each step, one month ahead."""
    query = "SELECT period_month, forecast_step, wape FROM reporting.forecast_accuracy_total WHERE lag = 1 AND wape IS NOT NULL"
    known = {(row["forecast_step"], row["period_month"]): row["wape"] for row in rows(con, query)}

    def against(step: str, back: int) -> Change | None:
        return change(known[step, month], known.get((step, add_months(month, -back))), "fraction", "less")

    return [
        Headline(
            f"Forecast error, a month ahead: {step}",
            "forecast_accuracy_total.wape",
            shown(known[step, month], "fraction"),
            "",
            against(step, 1),
            against(step, 12),
            (),
        )
        for step in sorted({step for step, _ in known})
        if (step, month) in known
    ]
