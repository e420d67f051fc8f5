"""Files of a supplier's books in any size: the same for the same number of order lines."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from kam.warehouse import literal, memory

FIRST_DAY = date(2023, 11, 1)
LAST_DAY = date(2026, 10, 31)
MONTHS = 36
FEEDS = (
    "accounts", "products", "fx_rates", "orders", "deliveries", "invoices", "payments", "sales_plan", "forecasts",
)  # fmt: skip
_QUERIES = Path(__file__).with_name("data")


def write_files(folder: Path, lines: int) -> dict[str, int]:
    """Write `<feed>.csv` of each feed into `folder`, with about `lines` order lines; the rows by feed."""
    folder.mkdir(parents=True, exist_ok=True)
    values = {
        "lines": lines,
        "orders": max(lines // 4, 1),
        "accounts": min(max(lines // 1000, 8), 500),
        "first_day": FIRST_DAY,
        "last_day": LAST_DAY,
        "day_count": (LAST_DAY - FIRST_DAY).days + 1,
    }
    rows = {}
    with memory() as con:
        con.execute("SET preserve_insertion_order = true")
        for name, value in values.items():
            con.execute(f"SET VARIABLE {name} = $value", {"value": value})
        con.execute(_text("macros"))
        for feed in FEEDS:
            file = literal(str(folder / f"{feed}.csv"))
            written = con.execute(f"COPY ({_text(feed)}) TO {file} (HEADER)").fetchone()
            rows[feed] = int(written[0]) if written else 0
    return rows


def _text(name: str) -> str:
    return (_QUERIES / f"{name}.sql").read_text(encoding="utf-8")
