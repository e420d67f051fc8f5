"""A site of synthetic extracts: a maker of rubber and glass components and its customers, in any size.

The data is consistent (what is invoiced was delivered, what was delivered was ordered, payments settle invoices) and
tell a story each account manager knows: one customer rates us worse every month, one better, one owes more than its
credit limit, one falls behind its plan, one is forecast too high. A handful of faults shows what the pipeline does with
them; `README.txt` of the site lists them.

Everything is drawn from a hash of the seed and a row's own key, in whole numbers and decimals, so that the same
arguments give the same bytes. Months are made one after the other: what is delivered, invoiced or paid later waits in a
queue, so that memory follows the size of a month, not of the site.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from types import MappingProxyType

from kam.demo.faults import PlantedFault, planted_faults
from kam.demo.texts import sql, text
from kam.errors import UsageError
from kam.periods import add_months, month_name, months_between
from kam.site import SETTINGS_FILE
from kam.warehouse import Connection, literal, memory

FISCAL_YEAR_START_MONTH = 4
MOST_ITEMS_PER_ACCOUNT = 12
ORDER_ENCODING = "latin-1"
# What a feed of its own dialect is called in `kam.toml`; everything else is written as UTF-8 with commas.
DELIMITERS: Mapping[str, str] = MappingProxyType({"orders": ";"})
# Feeds with a file a month, beside the orders, and feeds with one file.
MONTHLY = ("deliveries", "invoices", "payments", "visits")
MASTERS = (
    "accounts", "products", "fx_rates", "instalments", "payment_plan", "tax_forms", "scorecards", "issues",
    "opportunities", "quotations", "competitor_observations", "sales_plan", "forecasts", "credit_reviews", "actions",
    "contracts", "commitments", "milestones", "market", "indicators", "assessments", "targets", "account_costs",
    "business_cases",
)  # fmt: skip


@dataclass(frozen=True)
class DemoSummary:
    """What was written: rows per feed (in `landing/` only), files and bytes (of the whole site), first and last month."""

    rows: Mapping[str, int]
    files: int
    bytes: int
    first_month: date
    last_month: date


def write_demo(
    directory: Path,
    *,
    accounts: int = 12,
    products: int = 30,
    months: int = 24,
    seed: int = 1,
    last_month: date = date(2026, 10, 1),
    order_lines_per_month: int | None = None,
    on_month: Callable[[date], None] | None = None,
) -> DemoSummary:
    """Write a site with `months` months of extracts up to `last_month`; the same arguments give the same bytes.

    Orders begin a month earlier: they are what the first month delivers. `order_lines_per_month` is approximate and
    defaults to about 1.7 for each account and product it buys. `on_month` is called with each month that is done.
    Raises `UsageError` when `directory` is not an empty or new folder, or a size is below one.
    """
    _check_sizes(accounts=accounts, products=products, months=months, order_lines_per_month=order_lines_per_month)
    _claim(directory)
    last_month = last_month.replace(day=1)
    first_month = add_months(last_month, 1 - months)
    with memory() as con:
        _set(con, seed=str(seed), accounts=accounts, products=products, first_month=first_month, last_month=last_month)
        _set(con, **_items_and_lines(accounts, products, order_lines_per_month))
        _make_world(con, last_month)
        rows = _write_months(con, directory, first_month, last_month, on_month)
        for feed in MASTERS:
            rows[feed] = _copy(con, f"extracts/{feed}", directory / "landing" / f"{feed}.csv")
        plans = con.execute(sql("plan_due_dates")).fetchall()

    faults = planted_faults(first_month, last_month, unknown_account=f"K{accounts + 9001}")
    for fault in faults:
        _append(_monthly_file(directory, fault.feed, fault.month), fault)
        rows[fault.feed] += 1
    (directory / SETTINGS_FILE).write_text(_settings_text(plans), encoding="utf-8")
    (directory / "README.txt").write_text(_readme(first_month, last_month, faults), encoding="utf-8")
    written = [file for file in directory.rglob("*") if file.is_file()]
    return DemoSummary(
        rows=MappingProxyType(dict(sorted(rows.items()))),
        files=len(written),
        bytes=sum(file.stat().st_size for file in written),
        first_month=first_month,
        last_month=last_month,
    )


def _items_and_lines(accounts: int, products: int, order_lines_per_month: int | None) -> dict[str, int]:
    """How many products an account buys, and order lines a month per thousand of these items."""
    items = min(products, MOST_ITEMS_PER_ACCOUNT, 7 + products // 400)
    lines = 1700 if order_lines_per_month is None else order_lines_per_month * 1000 // (accounts * items)
    return {"items_per_account": items, "lines_per_item_permille": max(lines, 1)}


def _make_world(con: Connection, last_month: date) -> None:
    """Customers, products, prices and rates for all months, and the queues for what comes later."""
    cutoff = add_months(last_month, 1) - timedelta(days=1)
    _set(con, cutoff=cutoff, fiscal_year_start_month=FISCAL_YEAR_START_MONTH)
    con.execute("SET preserve_insertion_order = true")
    for name in ("macros", "world", "queues"):
        con.execute(sql(name))


def _check_sizes(**sizes: int | None) -> None:
    for name, size in sizes.items():
        if size is not None and size < 1:
            message = f"--{name.replace('_', '-')} is {size}; a demo needs at least 1"
            raise UsageError(message)


def _claim(directory: Path) -> None:
    if directory.exists() and not directory.is_dir():
        message = f"{directory}: is a file. Name a new or an empty folder"
        raise UsageError(message)
    if directory.exists() and any(directory.iterdir()):
        message = f"{directory}: not empty, and a demo overwrites nothing. Name a new or an empty folder"
        raise UsageError(message)
    (directory / "late").mkdir(parents=True)
    for feed in ("orders", *MONTHLY):
        (directory / "landing" / feed).mkdir(parents=True)


def _write_months(
    con: Connection, directory: Path, first_month: date, last_month: date, on_month: Callable[[date], None] | None
) -> dict[str, int]:
    """Make and write each month in turn; the rows written to `landing/` by feed."""
    rows = dict.fromkeys(("orders", *MONTHLY), 0)
    corrected = {add_months(last_month, -3): "landing/invoices", add_months(last_month, -1): "late"}
    # what is delivered in the first month was ordered in the month before
    for month in months_between(add_months(first_month, -1), last_month):
        _set(con, month=month, next_month=add_months(month, 1), is_corrected=month in corrected)
        _run(con, "order_lines", "deliveries")
        rows["orders"] += _copy(con, "extracts/orders", _monthly_file(directory, "orders", month), DELIMITERS["orders"])
        _recode(_monthly_file(directory, "orders", month))
        if month < first_month:
            continue
        _run(con, "documents", "settlements", "visits")
        for feed in MONTHLY:
            rows[feed] += _copy(con, f"extracts/{feed}", _monthly_file(directory, feed, month))
        if month in corrected:
            file = directory / corrected[month] / f"invoices_{month_name(month)}_correction.csv"
            count = _copy(con, "extracts/correction", file)
            rows["invoices"] += count if corrected[month] != "late" else 0
        _run(con, "forget")
        if on_month is not None:
            on_month(month)
    return rows


def _run(con: Connection, *steps: str) -> None:
    """Take these steps of the month that is set."""
    for step in steps:
        con.execute(sql(f"steps/{step}"))


def _set(con: Connection, **values: object) -> None:
    for name, value in values.items():
        con.execute(f"SET VARIABLE {name} = $value", {"value": value})


def _monthly_file(directory: Path, feed: str, month: date) -> Path:
    return directory / "landing" / feed / f"{feed}_{month_name(month)}.csv"


def _copy(con: Connection, query: str, file: Path, delimiter: str = ",") -> int:
    """Write the rows of a query in `sql/` as CSV with a header; how many there were."""
    written = con.execute(f"COPY ({sql(query)}) TO {literal(str(file))} (HEADER, DELIMITER '{delimiter}')").fetchone()
    return int(written[0]) if written else 0


def _recode(file: Path) -> None:
    """Rewrite a UTF-8 file in the encoding of the order system; DuckDB writes UTF-8 only."""
    aside = file.with_suffix(".recoded")
    with (
        file.open(encoding="utf-8", newline="") as source,
        aside.open("w", encoding=ORDER_ENCODING, newline="") as target,
    ):
        for chunk in iter(lambda: source.read(1 << 20), ""):
            target.write(chunk)
    aside.replace(file)


def _append(file: Path, fault: PlantedFault) -> None:
    """Add a faulty row to a file, in that file's own columns and dialect."""
    delimiter = DELIMITERS.get(fault.feed, ",")
    encoding = ORDER_ENCODING if fault.feed == "orders" else "utf-8"
    with file.open(encoding=encoding, newline="") as source:
        header = next(csv.reader(source, delimiter=delimiter))
    with file.open("a", encoding=encoding, newline="") as target:
        csv.DictWriter(target, header, delimiter=delimiter, lineterminator="\n").writerow(fault.row)


def _settings_text(plans: list[tuple[str, date]]) -> str:
    due_dates = ", ".join(f'"{name}" = {due:%Y-%m-%d}' for name, due in plans)
    return text("kam.toml").replace("<plan due dates>", due_dates)


def _readme(first_month: date, last_month: date, faults: tuple[PlantedFault, ...]) -> str:
    previous = add_months(last_month, -1)
    return text("README.txt").format(
        first=month_name(first_month),
        last=month_name(last_month),
        late=text("late.txt").format(previous=month_name(previous)) if previous >= first_month else "",
        faults="\n".join(f"  {fault.feed} {month_name(fault.month)}: {fault.what_happens}" for fault in faults),
    )
