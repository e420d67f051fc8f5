"""The overview of a month: its headlines, and the accounts that need attention first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from kam.periods import add_months, month_name
from kam.publish.reviews.figures import Account, figure_text
from kam.publish.reviews.render import render_page
from kam.site import Site
from kam.warehouse import Connection, rows

_FIGURES = (
    "SELECT figure, plan_version, value, unit FROM reporting.headline_figures WHERE period_month = ? "
    "ORDER BY figure_no, plan_version"
)


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


def overview(con: Connection, site: Site, month: date, accounts: Sequence[Account], links: Links) -> str:
    """The overview as HTML."""
    (close,) = rows(con, "FROM reporting.closes WHERE is_newest AND period_month = ?", [month])
    managers = sorted({account.row["account_manager"] for account in accounts})
    numbers = {manager: number for number, manager in enumerate(managers, 1)}
    last, year_ago = (_figures(con, add_months(month, -count)) for count in (1, 12))
    figures = [
        (row["figure"], row["plan_version"], row["unit"], *(_shown(row["unit"], value) for value in (
            row["value"], *(other.get((row["figure"], row["plan_version"])) for other in (last, year_ago)))))
        for row in rows(con, _FIGURES, [month])
    ]  # fmt: skip
    # The filter needs no script: a button that is checked hides the rows of other managers.
    hiding = "".join(
        f"body:has(#m{number}:checked) .account:not(.m{number}) {{ display: none; }}" for number in numbers.values()
    )
    return render_page(
        "index.html.j2",
        site,
        month,
        style=hiding,
        links=links,
        close=close,
        accounts=accounts,
        numbers=numbers,
        figures=figures,
        has_last=bool(last),
        has_year_ago=bool(year_ago),
    )


def _figures(con: Connection, month: date) -> dict[tuple[str, str], object]:
    return {(row["figure"], row["plan_version"]): row["value"] for row in rows(con, _FIGURES, [month])}


def _shown(unit: str, value: object) -> str:
    return figure_text(value, {"ratio": "fraction"}.get(unit, unit))
