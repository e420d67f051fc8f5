"""A closed month as it was known: its published rows, and the models between them and the feeds, built again in memory.

The warehouse is only read. Core models are built when somebody asks for their rows, with the settings, corrections and loads of
the version; a mart's rows are those that were kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from kam.build import materialise, models, models_hash, prepare_build, read_by
from kam.errors import UsageError
from kam.periods import month_name
from kam.site import FEEDS, SETTINGS_FILE, Settings, Site, scratch_folder, validate_settings
from kam.warehouse import Connection, literal, memory, open_read_only, prepare, rows, store_of

_FEW = 6
# What every build has before its models.
_CALENDAR = frozenset({"core.months", "core.days"})


@dataclass
class Past:
    """A version of a closed month: `con` reads the warehouse as the database `kept`, and takes what is built again."""

    con: Connection
    site: Site
    settings: Settings
    close: dict[str, Any]
    built: set[str] = field(default_factory=set)

    @property
    def month(self) -> date:
        """The month."""
        month: date = self.close["period_month"]
        return month

    @property
    def version(self) -> int:
        """The number of the version."""
        return int(self.close["close_version"])

    @property
    def as_of_load(self) -> int:
        """The load up to which things were known."""
        return int(self.close["as_of_load"])

    @property
    def models_changed(self) -> bool:
        """Whether the version was made by other models than those that are run here."""
        return bool(self.close["models_hash"] != models_hash())

    def kept_rows(self, mart: str) -> str:
        """A SELECT of the version's rows of a mart, under the names in the store."""
        condition = f"period_month = DATE '{self.month}' AND close_version = {self.version}"
        return f"SELECT * FROM kept.marts.{mart} WHERE {condition}"

    def make(self, relation: str) -> None:
        """Make a relation and what it reads, down to the feeds, unless that was done before."""
        if not self.built:
            self._prepare()
        wanted = read_by([relation]) - self.built
        for name, model in models().items():
            if name not in wanted:
                continue
            if model.schema == "core":
                materialise(self.con, name)
            else:
                self.con.execute(f"CREATE OR REPLACE VIEW {name} AS {self.kept_rows(model.name)}")
            self.built.add(name)

    def _prepare(self) -> None:
        self.con.execute("CREATE SCHEMA IF NOT EXISTS staging")
        for feed in FEEDS:
            self.con.execute(f"CREATE VIEW staging.{feed} AS FROM kept.staging.{feed}")
        prepare(self.con, self.settings.site.reporting_currency, self.settings.corrections)
        prepare_build(self.con, self.settings, [self.month], as_of_load=self.as_of_load)
        self.built |= _CALENDAR


@contextmanager
def past(site: Site, month: date | None = None, version: int | None = None) -> Iterator[Past]:
    """A closed month, the newest unless one is named, in the newest version that readers see unless one is named.

    Raises `UsageError` for a month or a version that was not closed.
    """
    with open_read_only(site):  # brings the file of an earlier release up to date, and says who has it open
        pass
    if not store_of(site).exists():
        message = f"no month is closed yet. Next: {site.command('close', 'MONTH')}"
        raise UsageError(message)
    with store_of(site).explained(), scratch_folder(site, "explain-") as folder, memory() as con:
        con.execute(f"SET memory_limit = {literal(site.settings.site.memory_limit)}")
        con.execute(f"SET temp_directory = {literal(str(folder))}")
        con.execute("SET TimeZone = 'UTC'")
        store_of(site).attach(con, "kept")
        close = _close(con, site, month, version)
        yield Past(con, site, _settings(site, close), close)


def _close(con: Connection, site: Site, month: date | None, version: int | None) -> dict[str, Any]:
    closes = rows(
        con,
        "SELECT closes.*, withdrawals.period_month IS NULL AS stands, shown.period_month IS NOT NULL AS is_shown "
        "FROM kept.ops.closes AS closes "
        "LEFT JOIN kept.ops.withdrawals AS withdrawals USING (period_month, close_version) "
        "LEFT JOIN kept.ops.shown_closes AS shown USING (period_month, close_version) ORDER BY ALL",
    )
    standing = [close for close in closes if close["stands"]]
    if not standing:
        message = f"no month is closed. Next: {site.command('close', 'MONTH')}"
        raise UsageError(message)
    wanted = month or standing[-1]["period_month"]
    of_month = [close for close in closes if close["period_month"] == wanted]
    if not any(close["stands"] for close in of_month):
        names = sorted({month_name(close["period_month"]) for close in standing})
        closed = (
            names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}" if len(names) > _FEW else ", ".join(names)
        )
        message = (
            f"{month_name(wanted)} is not closed; closed: {closed}. Next: {site.command('close', month_name(wanted))}"
        )
        raise UsageError(message)
    # What readers see; of a month of which they see nothing yet the version that waits for approval.
    seen = [close for close in of_month if close["is_shown"]] or [close for close in of_month if close["stands"]]
    number = version or max(close["close_version"] for close in seen)
    found = [close for close in of_month if close["close_version"] == number]
    if not found:
        known = ", ".join(str(close["close_version"]) for close in of_month)
        message = f"{month_name(wanted)} has no version {number}; its versions: {known}"
        raise UsageError(message)
    return found[0]


def _settings(site: Site, close: dict[str, Any]) -> Settings:
    """The settings that the version was computed with; those of today for a version that did not keep its own."""
    text = json.loads(close["manifest"]).get("settings")
    if text is None:
        return site.settings
    document = json.loads(text)
    feeds = {feed: {"files": "archive"} for feed in document["feeds"]}
    return validate_settings(document | {"feeds": feeds}, Path(SETTINGS_FILE))
