"""Values of rows as people read them: names beside ids, numbers with their thousands, links to the pages of accounts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path

from kam.periods import month_name
from kam.publish.quality_page.account_page import account_page
from kam.warehouse import Connection

_LONGEST_VALUE = 160
_NUMBER = re.compile(r"-?\d{1,30}(\.\d{1,12})?")
# Digits that name something are no amount.
_NAMES_SOMETHING = re.compile(
    r".*(_id|_no|_year|_quarter|source|revision|identifiers|records|version|number|period|key|value)"
)
_ACCOUNT, _PRODUCT = re.compile(r"(.*_)?account_id"), re.compile(r"(.*_)?product_id")


@dataclass(frozen=True)
class Names:
    """What accounts and products are called, and where the close pack has its pages: `pack` is the published folder, None for no links."""

    accounts: Mapping[str, str] = field(default_factory=dict)
    products: Mapping[str, str] = field(default_factory=dict)
    pack: Path | None = None

    @property
    def overview(self) -> str:
        """The address of the overview as seen from the quality page; empty while there is none."""
        return "../index.html" if self.pack and (self.pack / "index.html").exists() else ""

    def account_page(self, month: date, account_id: str) -> str:
        """The address of an account's page of a month; empty while there is none."""
        place = f"months/{month_name(month)}/accounts/{account_page(account_id)}"
        return f"../{place}" if self.pack and (self.pack / place).exists() else ""


@dataclass(frozen=True)
class Cell:
    """A value as text, with the name of what it identifies and the address of its page; both empty for other values."""

    text: str
    name: str = ""
    page: str = ""


@dataclass(frozen=True)
class Column:
    """A column of sample rows: its name in words, and whether all its values are numbers."""

    label: str
    is_number: bool


def known_names(con: Connection, pack: Path | None) -> Names:
    """The newest names in the masters."""
    accounts, products = (
        dict(
            con.execute(
                f"SELECT {thing}_id, max({thing}_name) FROM staging.{thing}s "
                f"WHERE superseded_load_id IS NULL AND {thing}_name IS NOT NULL GROUP BY ALL"
            ).fetchall()
        )
        for thing in ("account", "product")
    )
    return Names(accounts, products, pack)


def table_of(
    keys: Sequence[Mapping[str, object]], names: Names, month: date
) -> tuple[tuple[Column, ...], tuple[tuple[Cell, ...], ...]]:
    """Columns and rows of keys; the month goes without saying, and a feed that is the same in all rows too."""
    columns = dict.fromkeys(name for key in keys for name in key if name != "period_month")
    numeric = {name: _is_number(name, [key.get(name) for key in keys]) for name in columns}
    head = tuple(Column(_label(name), numeric[name]) for name in columns)
    rows = tuple(
        tuple(_cell(name, key.get(name), names, month, is_number=numeric[name]) for name in columns) for key in keys
    )
    return head, rows


def shortened(value: object) -> str:
    """A value of a row; a dash for nothing, and the beginning of what is long."""
    if value is None:
        return "–"
    text = str(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"


def _is_number(column: str, values: Iterable[object]) -> bool:
    given = [value for value in values if value is not None]
    return bool(given) and not _NAMES_SOMETHING.fullmatch(column) and all(_reads_as_number(value) for value in given)


def _reads_as_number(value: object) -> bool:
    return not isinstance(value, bool) and _NUMBER.fullmatch(str(value)) is not None


def _label(column: str) -> str:
    """`lines_amount_doc` as `Lines amount (document currency)`, `account_id` as `Account`."""
    text = re.sub(r"_doc$", " (document currency)", "rows" if column == "row_count" else column)
    text = re.sub(r"_id$", "", text).replace("_", " ")
    return text[:1].upper() + text[1:]


def _cell(column: str, value: object, names: Names, month: date, *, is_number: bool) -> Cell:
    if value is None:
        return Cell("–")
    if is_number:
        return Cell(_number(str(value)))
    text = str(value)
    if _ACCOUNT.fullmatch(column):
        return Cell(shortened(text), shortened(names.accounts.get(text, "")), names.account_page(month, text))
    if _PRODUCT.fullmatch(column):
        return Cell(shortened(text), shortened(names.products.get(text, "")))
    return Cell(shortened("yes" if value is True else "no" if value is False else text))


def _number(text: str) -> str:
    """With its thousands; of decimals those that say something, and two where it has any."""
    if "." not in text:
        return f"{int(text):,}"
    whole, decimals = text.split(".")
    shown = decimals.rstrip("0").ljust(2, "0")
    return f"{Decimal(f'{whole}.{shown}'):,f}"
