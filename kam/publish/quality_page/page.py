"""`published/quality/index.html`: what was checked in each month and what failed, for people who open a page.

One file without scripts that loads nothing from anywhere. It is made from the ledgers, the newest flags and names, and links to the pages of
the close pack that are there. So the same warehouse gives the same bytes, and it is replaced with one rename: a reader never sees half a page.
"""

from __future__ import annotations

import base64
import hashlib
import os
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from datetime import date
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from expectations.rules import MAX_SAMPLE_KEYS
from kam.errors import KamError
from kam.periods import MONTHS, month_name
from kam.publish.quality_page.cells import known_names, shortened
from kam.publish.quality_page.flags import newest_flags
from kam.publish.quality_page.ledger import (
    SHOWN_FAILURES,
    Month,
    RuleHistory,
    amount_text,
    closed_months,
    kept_checks,
    printable_text,
    rule_histories,
    with_code,
)
from kam.site import BUILDING, Site
from kam.warehouse import Connection
from kam.words import counted

PAGE = Path("quality") / "index.html"
"""The path of the page in the published folder."""
_HERE = Path(__file__).resolve().parent
PAGE_STYLE = (_HERE / "page.css").read_text(encoding="utf-8")
"""The look of all pages."""
_SHOWN_LOADS = 20
_SHOWN_FLAGS = 30


def write(con: Connection, site: Site) -> bool:
    """Write the page if its content changed; returns whether it was written.

    Raises `KamError` when the folder cannot be written to.
    """
    target = site.published / PAGE
    page = render(con, site.settings.site.name, site.published).encode()
    try:
        with suppress(FileNotFoundError):
            if target.read_bytes() == page:
                return False
        target.parent.mkdir(parents=True, exist_ok=True)
        _replace(target, page)
    except OSError as error:
        message = f"{target.parent}: cannot be written to: {error.strerror}. The previous page is unchanged; the published tables and every closed month are kept. Make room or make it writable, then: {site.command('publish')}"
        raise KamError(message) from None
    return True


def _replace(target: Path, content: bytes) -> None:
    # What a killed process leaves is swept away by the next writer.
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=BUILDING, delete=False) as stream:
        built = Path(stream.name)
        try:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
            built.chmod(0o644)
            built.replace(target)
        except OSError:
            built.unlink(missing_ok=True)
            raise


def render(con: Connection, site_name: str, pack: Path | None = None) -> str:
    """The page as HTML, from the ledgers and the flags of a warehouse; with links to the close pack in the folder `pack` where it has pages."""
    checks = kept_checks(con)
    names = known_names(con, pack)
    months = closed_months(con, checks, names)
    style = PAGE_STYLE
    suites: dict[str, list[RuleHistory]] = defaultdict(list)
    for history in rule_histories(checks, sorted(month.month for month in months)):
        suites[history.last.suite].append(history)
    return _template().render(
        site=site_name,
        months=months,
        shown=[month for month in months if month.loads],
        earlier=[month for month in months if not month.loads],
        years=_calendar(months),
        names=names,
        suites=suites,
        flags=newest_flags(con),
        shown_flags=_SHOWN_FLAGS,
        style=Markup(style),  # noqa: S704 - our own file
        style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        shown_loads=_SHOWN_LOADS,
        shown_failures=SHOWN_FAILURES,
        kept_samples=MAX_SAMPLE_KEYS,
    )


def page_environment(folder: Path) -> Environment:
    """Templates of pages: what comes from data is escaped, and what cannot be printed is taken out."""
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=printable_text,
    )
    environment.filters |= {"counted": counted, "month": month_name}
    return environment


@cache
def _template() -> Template:
    environment = page_environment(_HERE)
    environment.filters |= {"amount": amount_text, "short": shortened, "with_code": with_code}
    environment.globals |= {"month_names": MONTHS}
    return environment.get_template("page.html.j2")


def _calendar(months: Sequence[Month]) -> list[tuple[int, list[Month | None]]]:
    """The years, newest first, each with its twelve months; None for those that were never closed."""
    found = {month.month: month for month in months}
    years = sorted({month.month.year for month in months}, reverse=True)
    return [(year, [found.get(date(year, number, 1)) for number in range(1, 13)]) for year in years]
