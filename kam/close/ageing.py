"""The receivables as they stood at the end of any day, as known now, in a file of their own; nothing of it is kept.

The day takes the place of its month's last day, and the models of `receivables_ageing` run as in a close. They run in a
transaction that is rolled back, so that no table of another day is left for a close.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb

from kam.build import Model, marts, prepare_day, read_by, run_mart
from kam.close import steps
from kam.close.readiness import today
from kam.errors import UsageError, ValidationFailedError
from kam.publish import require_format, write_table
from kam.site import CORRECTIONS_FILE, FEEDS, Site
from kam.warehouse import Connection, known_corrections, literal, rows, warehouse
from kam.words import counted

_TABLE = "receivables_ageing"
_SHOWN_ACCOUNTS = 10
log = logging.getLogger("kam")


@dataclass(frozen=True)
class AgeingLine:
    """What is open in a bucket, of an account or in all, in reporting currency; None where a rate is missing."""

    name: str
    item_count: int
    open_amount: Decimal | None
    overdue_amount: Decimal | None


@dataclass(frozen=True)
class Ageing:
    """The receivables of a day: where its items were written, what they add up to, and what to know about them.

    `accounts` are those that owe most. `as_of_load` is the load up to which things were known.
    """

    day: date
    file: Path
    as_of_load: int
    currency: str
    total: AgeingLine
    buckets: Sequence[AgeingLine]
    accounts: Sequence[AgeingLine]
    notes: Sequence[str]


def write_ageing(
    site: Site,
    day: date,
    *,
    file: Path | None = None,
    as_of_load: int | None = None,
    as_known_on: date | None = None,
) -> Ageing:
    """Write the open items at the end of a day, with the columns of `receivables_ageing`; loads nothing, checks no rule.

    `file` is by default `published/ageing/ageing-DAY.csv`. It waits for its turn to write. Raises `UsageError` when the site has
    no receivables, for a day in the future or before the first data, and for a file of another format;
    `ValidationFailedError` when a correction is stale; `KamError` when the file cannot be written.
    """
    mart = next(mart for mart in marts() if mart.name == _TABLE)
    _require_possible(site, mart, day)
    target = file or site.published / "ageing" / f"ageing-{day}.csv"
    require_format(target)
    with steps.writing_session(site, f"ageing {day}"), warehouse(site) as con:
        known = steps.known_load(site, as_of_load=as_of_load, as_known_on=as_known_on)
        con.execute("BEGIN")
        try:
            log.info("Building …")
            prepare_day(con, site.settings, day, as_of_load=known)
            _require_data(con, day)
            _require_corrections(con, mart)
            run_mart(con, mart)
            write_table(con, mart.relation, target)
            (total,) = _lines(con, "'All'", "")
            return Ageing(
                day,
                target,
                known,
                site.settings.site.reporting_currency,
                total,
                _lines(con, "bucket", "GROUP BY bucket_no, bucket ORDER BY bucket_no"),
                _lines(
                    con,
                    "concat_ws(' ', account_id, any_value(account_name))",
                    f"GROUP BY account_id ORDER BY 3 DESC NULLS FIRST, account_id LIMIT {_SHOWN_ACCOUNTS}",
                ),
                _notes(con, site, mart, day, known),
            )
        finally:
            # After a disk-full error the transaction is gone; the original error is kept.
            with suppress(duckdb.Error):
                con.execute("ROLLBACK")


def _require_possible(site: Site, mart: Model, day: date) -> None:
    missing = mart.missing(site.settings.available)
    if missing:
        message = f"the site has no receivables: {site.settings.why_missing(missing[0])}"
        raise UsageError(message)
    now = today(site)
    if day > now:
        message = f"{day} is in the future: today is {now}"
        raise UsageError(message)


def _newest(con: Connection, condition: str) -> dict[str, tuple[date | None, date | None]]:
    """The first and the newest day of invoices and of payments that meet a condition on `day`."""
    found = con.execute(
        f"""
        SELECT feed, min(day), max(day) FILTER ({condition})
        FROM (
            SELECT 'invoice' AS feed, invoice_date AS day FROM core.invoices
            UNION ALL SELECT 'payment', payment_date FROM core.payments
        )
        GROUP BY feed ORDER BY feed
        """
    ).fetchall()
    return {feed: (first, newest) for feed, first, newest in found}


def _require_data(con: Connection, day: date) -> None:
    days = [first for first, _ in _newest(con, "true").values() if first]
    if not days:
        message = "no invoice and no payment is loaded yet"
        raise UsageError(message)
    if day < min(days):
        message = f"{day} is before the first data: the first invoice or payment is of {min(days)}"
        raise UsageError(message)


def _require_corrections(con: Connection, mart: Model) -> None:
    feeds = _feeds(mart)
    faults = [
        f"{entry.feed} {entry.key}: {entry.column}: {entry.fault}"
        for entry in known_corrections(con)
        if entry.fault and entry.feed in feeds
    ]
    if faults:
        message = "\n  ".join([f"no file was written, because entries of {CORRECTIONS_FILE} are stale:", *faults])
        raise ValidationFailedError(message)


def _feeds(mart: Model) -> set[str]:
    """The feeds that a mart is made from."""
    read = read_by([mart.relation])
    return {feed for feed in FEEDS if f"core.{feed}" in read}


def _lines(con: Connection, name: str, grouped: str) -> list[AgeingLine]:
    found = rows(
        con,
        f"""
        SELECT
            {name} AS name,
            count(*) AS item_count,
            complete_sum(outstanding_amount, true)::DECIMAL(38, 2) AS open_amount,
            complete_sum(
                outstanding_amount, item_type = 'invoice' AND outstanding_amount_doc > 0 AND days_overdue > 0
            )::DECIMAL(38, 2) AS overdue_amount
        FROM build.{_TABLE} {grouped}
        """,
    )
    return [AgeingLine(**row) for row in found]


def _notes(con: Connection, site: Site, mart: Model, day: date, known: int) -> list[str]:
    """What a reader of the figures has to know."""
    newest = _newest(con, f"day <= DATE '{day}'")
    dates = [f"the newest {feed} is of {found}" for feed, (_, found) in sorted(newest.items()) if found]
    notes = [f"As known at load {known}. Up to that day, {' and '.join(dates)}."]
    if day == today(site):
        notes.append(f"{day} is not over yet.")
    reasons = con.execute(
        f"SELECT outstanding_amount_reason, count(*) FROM {mart.relation} WHERE outstanding_amount IS NULL GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    notes += [f"{counted(count, 'item')} in no sum: {reason}." for reason, count in reasons]
    if "payments" not in site.settings.feeds:
        notes.append("All that was billed counts as open: the feed payments is not declared.")
    feeds = ", ".join(map(literal, sorted(_feeds(mart))))
    rejected = con.execute(
        f"""
        SELECT feed, count(DISTINCT (load_id, source_row)) FROM staging.rejects
        WHERE status = 'open' AND feed IN ({feeds}) AND load_id <= {known} GROUP BY feed ORDER BY feed
        """
    ).fetchall()
    if rejected:
        which = ", ".join(f"{counted(count, 'row')} of {feed}" for feed, count in rejected)
        notes.append(f"Rejected and not fixed: {which}. See: {site.command('rejects')}")
    if waiting := steps.not_loaded(con, site):
        notes.append(f"Not counted, because {waiting}")
    return [*notes, "No rule was checked; a close of the month does that."]
