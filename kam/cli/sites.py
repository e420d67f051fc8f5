"""`kam sites`: which month each site of a table has published, as which version, with which verdict, since when, and what is to do."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from kam.errors import KamError
from kam.periods import add_months, month_name
from kam.publish import failed_months, published_months, waiting_months
from kam.site import ListedSite, find_site
from kam.words import counted

Row = dict[str, str]
_HERE = Path(__file__).parent


@dataclass(frozen=True)
class SiteState:
    """What readers of a site see: the newest month with its version and verdict, since when; and what is to do. Empty where there is none."""

    name: str
    month: str
    version: str
    verdict: str
    since: str
    to_do: str


def states(listed: Sequence[ListedSite], now: datetime) -> list[SiteState]:
    """The state of each site at this moment, those with something to do first."""
    found = [_state(one, now) for one in listed]
    return sorted(found, key=lambda state: not state.to_do)


def state_rows(found: Sequence[SiteState]) -> list[Row]:
    """The states as a table for the console."""
    return [
        {
            "Site": state.name,
            "Newest month": state.month or "–",
            "Version": state.version or "–",
            "Verdict": state.verdict or "–",
            "Closed (UTC)": state.since or "–",
            "To do": state.to_do,
        }
        for state in found
    ]


def page(found: Sequence[SiteState], now: datetime) -> str:
    """The states as a page of HTML that needs nothing else."""
    environment = Environment(loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined)
    style = (_HERE / "sites.css").read_text(encoding="utf-8")
    return environment.get_template("sites.html.j2").render(
        sites=found,
        behind=sum(bool(state.to_do) for state in found),
        style=style,
        style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        made_at=f"{now.astimezone(UTC):%Y-%m-%d %H:%M}",
    )


def _state(listed: ListedSite, now: datetime) -> SiteState:
    name = listed.key
    try:
        site = find_site(Path(listed.folder))
        name = site.settings.site.name
        published, failed, waiting = published_months(site), failed_months(site), waiting_months(site)
    except (KamError, duckdb.Error, OSError) as error:
        return SiteState(name, "", "", "", "", f"it cannot be read: {error}")
    here = now.astimezone(ZoneInfo(site.settings.site.timezone)).date()
    over = add_months(here.replace(day=1), -1)
    to_do = [f"approve {month_name(month)} version {version}" for month, version in waiting]
    if not published:
        return SiteState(name, "", "", "", "", "; ".join(to_do) or "no month is published")
    newest = published[-1]
    closed = max([newest.month, *(month for month, _ in waiting)])
    missing = (over.year - closed.year) * 12 + over.month - closed.month
    if missing > 0:
        first = month_name(add_months(closed, 1))
        to_do.append(
            f"close {first}" if missing == 1 else f"close {counted(missing, 'month')}: {first} to {month_name(over)}"
        )
    to_do += [f"{month_name(month)} failed on {at:%Y-%m-%d}" for month, at in failed]
    return SiteState(
        name,
        month_name(newest.month),
        str(newest.version),
        newest.verdict,
        f"{newest.closed_at:%Y-%m-%d %H:%M}",
        "; ".join(to_do),
    )
