"""`published/months/<month>/`: the close pack of a month for people, and `published/index.html`, where they begin.

Files without scripts that load nothing from anywhere. They are made from the published file, so they say what its tables say.
"""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path
from types import MappingProxyType

from kam.errors import UsageError
from kam.periods import month_name, parse_month
from kam.publish.month_report import Written, made_aside, published_month, swap_in
from kam.publish.reviews.account import write_account_pages
from kam.publish.reviews.definitions import definitions
from kam.publish.reviews.figures import Account, accounts_of
from kam.publish.reviews.measures import tables
from kam.publish.reviews.overview import Links, overview
from kam.publish.reviews.ranking import Ranked, ranked
from kam.publish.reviews.render import is_ours, render_page
from kam.publish.reviews.subjects import sections_of, subjects
from kam.site import Site
from kam.warehouse import Connection, rows

MONTHS = "months"
"""The folder in `published/` that has a folder per month."""
FRONT_PAGE = "index.html"
"""What people open, in `published/`."""
_PACK = "pack.json"
_KIND = "kam-close pack"
_PARTS = frozenset({"index.html", "accounts", "subjects", "definitions.html", _PACK})


def write_reviews(site: Site, month: date, folder: Path | None = None) -> Written:
    """The close pack of a month in `published/months/<month>`, or another folder; it is replaced once all pages are complete.

    In `published/` the front page follows; a pack in another folder stands alone and links to nothing outside. Raises `UsageError` for a
    month that is not published and for a folder that holds anything else, `KamError` when the folder cannot be written.
    """
    target = folder or site.published / MONTHS / month_name(month)
    _require_ours(target)
    with published_month(site, month) as con, made_aside(target.parent) as aside:
        accounts = _write_pack(con, site, month, aside / "pages", stands_alone=folder is not None)
        swap_in(aside / "pages", target, aside / "before")
    if folder is None:
        write_front_page(site, {month: accounts})
    return Written((target / "index.html",), len(accounts))


def write_front_page(site: Site, known: Mapping[date, Sequence[Ranked]] = MappingProxyType({})) -> Path | None:
    """`published/index.html`: the overview of the newest month that has a pack, with links to the other months; None without any.

    Packs of months that are not published any more are removed. `known` are accounts by month that have been read and ranked. One rename replaces the page, so a reader sees the old or the new one. Raises
    `UsageError` when the file there is not ours, `KamError` when the folder cannot be written.
    """
    target = site.published / FRONT_PAGE
    if target.exists() and not is_ours(target):
        message = f"{target}: is not a page of kam-close, and would be replaced. Move it away"
        raise UsageError(message)
    packs = packs_of(site)
    if not packs:
        return None
    with published_month(site) as con, made_aside(site.published) as aside:
        published = {
            row["period_month"] for row in rows(con, "SELECT period_month FROM reporting.closes WHERE is_newest")
        }
        for month in packs.keys() - published:
            shutil.rmtree(site.published / MONTHS / month_name(month))
        months = sorted(packs.keys() & published, reverse=True)
        if not months:
            target.unlink(missing_ok=True)
            return None
        accounts = known.get(months[0]) or _ranked(con, site, months[0], accounts_of(con, months[0]))
        page = overview(con, site, months[0], accounts, Links.of_front_page(site, months[0], months))
        (aside / FRONT_PAGE).write_text(page, encoding="utf-8")
        (aside / FRONT_PAGE).replace(target)
    return target


def front_page(site: Site) -> Path | None:
    """Where people begin; None for a site that writes no pages, or has none yet."""
    page = site.published / FRONT_PAGE
    return page if site.settings.publish.pack and page.exists() else None


def packs_of(site: Site) -> dict[date, Mapping[str, object]]:
    """The packs in `published/months/`: what `pack.json` says by month, such as `version` and `content_hash`."""
    found = {}
    for file in (site.published / MONTHS).glob(f"*/{_PACK}"):
        pack = _pack(file.parent)
        if pack.get("month") == file.parent.name:
            found[parse_month(file.parent.name)] = pack
    return found


def _write_pack(con: Connection, site: Site, month: date, made: Path, *, stands_alone: bool) -> list[Ranked]:
    """Write all pages into a new folder; the accounts, those to call first at the top."""
    accounts = accounts_of(con, month)
    (made / "accounts").mkdir(parents=True)
    first = _ranked(con, site, month, accounts)
    write_account_pages(con, site, month, first, made / "accounts")
    links = Links() if stands_alone else Links.of_month(site, month, {month, *packs_of(site)})
    (made / "index.html").write_text(overview(con, site, month, first, links), encoding="utf-8")
    _write_subjects(con, site, month, made, accounts)
    (made / "definitions.html").write_text(_definitions(con, site, month, accounts), encoding="utf-8")
    (close,) = rows(con, "FROM reporting.closes WHERE is_newest AND period_month = ?", [month])
    pack = {
        "kind": _KIND,
        "month": month_name(month),
        "version": close["close_version"],
        "verdict": close["verdict"],
        "content_hash": close["content_hash"],
        "accounts": len(accounts),
    }
    (made / _PACK).write_text(json.dumps(pack, indent=2) + "\n", encoding="utf-8")
    return first


def _ranked(con: Connection, site: Site, month: date, accounts: Sequence[Account]) -> list[Ranked]:
    return ranked(con, month, accounts, site.settings.site.reporting_currency)


def _write_subjects(con: Connection, site: Site, month: date, made: Path, accounts: Sequence[Account]) -> None:
    (made / "subjects").mkdir()
    currency = site.settings.site.reporting_currency
    for subject in subjects():
        page = render_page(
            "subject.html.j2",
            site,
            month,
            subject=subject,
            subjects=subjects(),
            sections=sections_of(con, subject, month, accounts, currency),
        )
        (made / "subjects" / f"{subject.name}.html").write_text(page, encoding="utf-8")


def _definitions(con: Connection, site: Site, month: date, accounts: Sequence[Account]) -> str:
    return render_page(
        "definitions.html.j2",
        site,
        month,
        definitions=definitions(con),
        descriptions={name: table.description for name, table in tables().items()},
        account=shlex.quote(str(accounts[0].row["account_id"])) if accounts else "ACCOUNT",
    )


def _require_ours(folder: Path) -> None:
    """Nothing but a pack is ever replaced."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not folder.is_dir() or not _pack(folder) or {path.name for path in folder.iterdir()} - _PARTS:
        message = f"{folder}: holds something else than pages of reviews, and would be replaced. Name a new folder"
        raise UsageError(message)


def _pack(folder: Path) -> Mapping[str, object]:
    """What `pack.json` of a folder says; nothing where it is not ours."""
    with suppress(OSError, ValueError):
        found = json.loads((folder / _PACK).read_text(encoding="utf-8"))
        if isinstance(found, dict) and found.get("kind") == _KIND:
            return found
    return {}
