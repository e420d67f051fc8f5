"""`published/reviews/<month>/`: an overview of the accounts that need attention, and a page per account, for people.

Files without scripts that load nothing from anywhere. They are made from the published file, so they say what its tables say.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from kam.errors import UsageError
from kam.periods import month_name
from kam.publish.month_report import Written, made_aside, published_month
from kam.publish.quality_page import PAGE_STYLE, printable_text
from kam.publish.reviews.figures import Account, accounts_of, figure_text
from kam.site import Site
from kam.warehouse import Connection, rows
from kam.words import counted

_HERE = Path(__file__).resolve().parent
_FIGURES = (
    "SELECT figure, plan_version, value, unit FROM reporting.headline_figures WHERE period_month = ? "
    "ORDER BY figure_no, plan_version"
)


def write_reviews(site: Site, month: date, folder: Path | None = None) -> Written:
    """The pages of a month in `published/reviews/<month>`, or another folder; it is replaced once all pages are complete.

    Raises `UsageError` for a month that is not published and for a folder that holds anything else, `KamError` when the folder cannot be
    written.
    """
    target = folder or site.published / "reviews" / month_name(month)
    _require_ours(target)
    with published_month(site, month) as con, made_aside(target.parent) as aside:
        accounts = accounts_of(con, month)
        made = aside / "pages"
        (made / "accounts").mkdir(parents=True)
        for account in accounts:
            page = _page("account.html.j2", site, month, account=account)
            (made / "accounts" / account.page).write_text(page, encoding="utf-8")
        (made / "index.html").write_text(_overview(con, site, month, accounts), encoding="utf-8")
        before = aside / "before"
        if target.exists():
            target.replace(before)
        try:
            made.replace(target)
        except OSError:
            if before.exists():
                before.replace(target)
            raise
    return Written((target / "index.html",), len(accounts))


def _require_ours(folder: Path) -> None:
    """Nothing but pages of reviews is ever replaced."""
    if folder.exists() and not (
        folder.is_dir() and {path.name for path in folder.iterdir()} <= {"index.html", "accounts"}
    ):
        message = f"{folder}: holds something else than pages of reviews, and would be replaced. Name a new folder"
        raise UsageError(message)


def _overview(con: Connection, site: Site, month: date, accounts: Sequence[Account]) -> str:
    (close,) = rows(con, "FROM reporting.closes WHERE is_newest AND period_month = ?", [month])
    managers = sorted({account.row["account_manager"] for account in accounts})
    numbers = {manager: number for number, manager in enumerate(managers, 1)}
    last, year_ago = (_figures(con, day) for day in (_months_before(month, 1), _months_before(month, 12)))
    figures = [
        (row["figure"], row["plan_version"], row["unit"], *(_shown(row["unit"], value) for value in (
            row["value"], *(other.get((row["figure"], row["plan_version"])) for other in (last, year_ago)))))
        for row in rows(con, _FIGURES, [month])
    ]  # fmt: skip
    # The filter needs no script: a button that is checked hides the rows of other managers.
    hiding = "".join(
        f"body:has(#m{number}:checked) .account:not(.m{number}) {{ display: none; }}" for number in numbers.values()
    )
    return _page(
        "index.html.j2",
        site,
        month,
        style=hiding,
        close=close,
        accounts=accounts,
        numbers=numbers,
        figures=figures,
        has_last=bool(last),
        has_year_ago=bool(year_ago),
    )


def _months_before(month: date, count: int) -> date:
    index = month.year * 12 + month.month - 1 - count
    return date(index // 12, index % 12 + 1, 1)


def _figures(con: Connection, month: date) -> dict[tuple[str, str], object]:
    return {(row["figure"], row["plan_version"]): row["value"] for row in rows(con, _FIGURES, [month])}


def _shown(unit: str, value: object) -> str:
    return figure_text(value, {"ratio": "fraction"}.get(unit, unit))


def _page(template: str, site: Site, month: date, *, style: str = "", **given: object) -> str:
    styles = PAGE_STYLE + (_HERE / "reviews.css").read_text(encoding="utf-8") + style
    shared: Mapping[str, object] = {
        "site": site.settings.site.name,
        "currency": site.settings.site.reporting_currency,
        "month": month,
        "style": Markup(styles),  # noqa: S704 - our own files, and numbers
        "style_hash": base64.b64encode(hashlib.sha256(styles.encode()).digest()).decode(),
    }
    return _templates().get_template(template).render(**shared, **given)


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=printable_text,
    )
    environment.filters |= {"counted": counted, "month": month_name}
    return environment
