"""A new site: a folder with a commented `kam.toml`, its JSON schema for editors, and a landing folder."""

from __future__ import annotations

from pathlib import Path

from kam.errors import KamError, UsageError
from kam.site.feeds import FEEDS
from kam.site.schema import SCHEMA_FILE, schema_text
from kam.site.settings import SETTINGS_FILE

_HEAD = """\
#:schema ./{schema}
# Settings of a kam-close site. Remove the # of what you need; everything else has a sensible default.

[site]
name = "{name}"
# reporting_currency = "EUR"
# fiscal_year_start_month = 1
# timezone = "Europe/Berlin"

# [ingest]
# reject_share = 0.01                  # the share of a load's rows that may be rejected without a warning
# shrink_ratio = 0.5                   # the share of a feed's rows that a newer full extract may lack unasked
# settle_seconds = 0                   # files changed more recently are left for the next run
# max_expansion_ratio = 100            # the most a compressed file may grow, times its size

# [run]
# months_at_once = 24                  # months that a backfill builds with one scan; fewer take less memory
# busy_timeout_seconds = 600           # how long a run waits for another one to finish

# [receivables]
# buckets = [30, 60, 90, 120]          # upper bounds of the ageing buckets, in days overdue
# loss_rates = {{ "current" = 0.003, "1-30" = 0.01, "31-60" = 0.03, "61-90" = 0.08, "91-120" = 0.2, "over 120" = 0.5 }}

# [variance]
# actual = "invoiced"                  # or "ordered"

# [delivery]
# late_days = 0                        # days after the date that still count as on time

# [alerts]
# link = "https://reports.example.com/quality/index.html"   # where people find published/quality/index.html
# [alerts.channels.accounting]         # any name; the variable holds one Apprise URL: mail, Slack, Teams, webhook, …
# url = "env:KAM_ALERTS_ACCOUNTING"    # such as mailtos://user:password@mail.example.com?to=accounting@example.com
# events = ["close_failed", "close_warned", "recovered", "load_refused", "backfill_failed"]   # all, where not given

# Known errors of a source that cannot be fixed there in time go into corrections.toml beside this file:
#   [[corrections]]
#   feed = "invoices"
#   key = {{ invoice_id = "R-1001", line_no = 1 }}
#   column = "due_date"
#   wrong = 2026-01-31                 # the close stops when the source does not say this any more
#   right = 2026-03-31
#   reason = "Typing error in the ERP, ticket 4711"
#   owner = "Accounts receivable"

# Feeds. A feed that stays commented out leaves the tables that need it empty. If your files use other column names, map
# them; if they are written in another way, describe it:
#   columns = {{ order_id = "Auftrag", currency = {{ value = "EUR" }}, quantity = {{ sql = "abs(Menge)" }} }}
#   csv = {{ delimiter = ";", encoding = "latin-1", decimal = ",", date_format = "%d.%m.%Y" }}
# `files` are .csv, .xlsx, .parquet or .ndjson, by their endings; a workbook takes sheet = "…" and header_row = 3.
# A database in place of files; the variable holds a URL such as postgresql://user:password@host/erp :
#   database = "env:ERP_URL"
#   query = "select * from sales where changed_at > :watermark"
#   watermark = "changed_at"
"""


def write_site(directory: Path) -> Path:
    """Make the folder and its `kam.toml`; the file. Raises `UsageError` when there is one already."""
    file = directory / SETTINGS_FILE
    if file.exists():
        message = f"{file}: there is a site already. Nothing was changed"
        raise UsageError(message)
    feeds = "".join(
        f'\n# {feed.meaning}: {", ".join(feed.required)}\n# [feeds.{feed.name}]\n# files = "landing/{feed.name}*.csv"\n'
        for feed in FEEDS.values()
    )
    try:
        (directory / "landing").mkdir(parents=True, exist_ok=True)
        (directory / SCHEMA_FILE).write_text(schema_text(), encoding="utf-8")
        file.write_text(_HEAD.format(name=directory.resolve().name, schema=SCHEMA_FILE) + feeds, encoding="utf-8")
    except OSError as error:
        message = f"{directory}: cannot make a site there: {error.strerror}"
        raise KamError(message) from None
    return file
