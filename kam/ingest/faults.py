"""What can be wrong with a value, as SQL conditions with a rule name and a message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kam.site import EARLIEST_DATE, LATEST_DATE, Column, Kind, RowRule
from kam.warehouse import literal

_SHORTENED_ID = r"\d([.,]\d+)?E\+\d+"


@dataclass(frozen=True)
class Fault:
    """One way in which a row can be wrong: `condition` is true for such a row.

    With `if_null` that can only be where the column's typed value is NULL.
    """

    column: str
    rule: str
    condition: str
    message: str
    if_null: bool = False

    @property
    def struct(self) -> str:
        """The fault of a row as a reject shows it; NULL where the row has none."""
        return (
            f"CASE WHEN coalesce({self.condition}, false) THEN {{'column_name': {literal(self.column)}, 'rule': "
            f"{literal(self.rule)}, 'value': given_{self.column}::VARCHAR, 'message': {literal(self.message)}}} END"
        )


def column_faults(column: Column, text: str, *, unless: Sequence[str]) -> list[Fault]:
    """What can be wrong with a column; a required value is not missing where one of the conditions `unless` holds."""
    name = column.name
    faults = []
    # A CASE, because most cells have a value, and then their text need not be looked at.
    if column.required:
        missing = " AND ".join((f"{text} IS NULL", *(f"NOT {condition}" for condition in unless)))
        faults.append(
            Fault(name, "required", f"CASE WHEN {name} IS NULL THEN {missing} END", f"{name} is missing", if_null=True)
        )
    unreadable = f"CASE WHEN {name} IS NULL THEN {text} IS NOT NULL END"
    if column.kind is Kind.ENUM:
        message = f"{name} is none of {', '.join(column.values)}"
        faults.append(Fault(name, "enumeration", unreadable, message, if_null=True))
    elif column.kind is Kind.CURRENCY:
        faults.append(Fault(name, "currency", unreadable, f"{name} is not an ISO 4217 currency", if_null=True))
    elif column.kind not in (Kind.ID, Kind.TEXT):
        message = f"{name} is not {column.kind.in_words} in the declared format"
        faults.append(Fault(name, "type", unreadable, message, if_null=True))
    if column.kind in (Kind.DATE, Kind.MONTH, Kind.TIMESTAMP):
        outside = f"NOT {name} BETWEEN DATE '{EARLIEST_DATE}' AND DATE '{LATEST_DATE}'"
        faults.append(Fault(name, "date_range", outside, f"{name} lies outside {EARLIEST_DATE} to {LATEST_DATE}"))
    faults += _bounds(column)
    return faults


def shortened_id(column: Column) -> Fault:
    """A long number that a spreadsheet has shortened: several identifiers have become the same text."""
    given = f"given_{column.name}"
    condition = f"CASE WHEN contains({given}, 'E+') THEN regexp_full_match({given}, {literal(_SHORTENED_ID)}) END"
    message = f"a spreadsheet has shortened {column.name}, its digits are lost; export the column as text"
    return Fault(column.name, "shortened", condition, message)


def too_little(rule: RowRule, texts: Mapping[str, str]) -> Fault:
    """The fault of a row that lacks what a rule of its feed asks for."""
    groups = (" AND ".join(f"{texts[name]} IS NOT NULL" for name in group) for group in rule.any_of)
    return Fault(rule.column, rule.name, f"NOT ({' OR '.join(f'({group})' for group in groups)})", rule.message)


def _bounds(column: Column) -> list[Fault]:
    name = column.name
    faults = []
    if column.minimum is not None:
        rule = "negative" if column.minimum == 0 else "range"
        message = f"{name} is negative; the document or payment type carries the sign"
        if column.minimum != 0 or column.maximum is not None:
            rule, message = "range", f"{name} is below {column.minimum:f}"
        faults.append(Fault(name, rule, f"{name} < {column.minimum:f}", message))
    if column.maximum is not None:
        faults.append(Fault(name, "range", f"{name} > {column.maximum:f}", f"{name} is above {column.maximum:f}"))
    return faults
