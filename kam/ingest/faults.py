"""What can be wrong with a value, as SQL conditions with a rule name and a message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kam.ingest.meaning import EXACT_WHOLE_NUMBERS
from kam.site import EARLIEST_DATE, LATEST_DATE, Column, Kind, RowRule
from kam.warehouse import literal

# What programs write for a long number: 1.23457E+12, 1e+05, 4.50001E9. A part may well be called 5E7.
_SHORTENED_ID = r"-?\d([.,]\d+)?[eE]\+\d+|-?\d[.,]\d+[eE]\d+"
# Characters that leave no trace: format and control characters, fillers, selectors of variants.
_INVISIBLE = (
    r"[\p{Cf}\p{Cc}\p{Zl}\p{Zp}\x{34f}\x{115f}\x{1160}\x{17b4}\x{17b5}\x{180b}-\x{180f}\x{2800}\x{3164}\x{fe00}-\x{fe0f}"
    r"\x{ffa0}\x{fff0}-\x{fff8}\x{e0000}-\x{e0fff}]"
)
_ERROR_CELL = r"#(N/A|REF!|VALUE!|DIV/0!|NAME\?|NULL!|NUM!|SPILL!|CALC!|FIELD!|BLOCKED!|CONNECT!|BUSY!|GETTING_DATA|UNKNOWN!|(NOT STORED|MERGED): .*)"


@dataclass(frozen=True)
class Fault:
    """One way in which a row can be wrong: `condition` is true for such a row.

    With `if_null` that can only be where the column's typed value is NULL. `value` is what a reject shows as the value; empty =
    what the source gives for the column.
    """

    column: str
    rule: str
    condition: str
    message: str
    if_null: bool = False
    value: str = ""

    @property
    def struct(self) -> str:
        """The fault of a row as a reject shows it; NULL where the row has none."""
        return (
            f"CASE WHEN coalesce({self.condition}, false) THEN {{'column_name': {literal(self.column)}, 'rule': "
            f"{literal(self.rule)}, 'value': {self.value or f'given_{self.column}::VARCHAR'}, 'message': {literal(self.message)}}} END"
        )


def column_faults(column: Column, text: str, *, unless: Sequence[str], is_text: bool) -> list[Fault]:
    """What can be wrong with a column; a required value is not missing where one of the conditions `unless` holds.

    `is_text` where the source gives text, which may be the error of a workbook.
    """
    name = column.name
    faults = []
    # A CASE, because most cells have a value, and then their text need not be looked at.
    if column.required:
        missing = " AND ".join((f"{text} IS NULL", *(f"NOT {condition}" for condition in unless)))
        faults.append(
            Fault(name, "required", f"CASE WHEN {name} IS NULL THEN {missing} END", f"{name} is missing", if_null=True)
        )
    unreadable = f"CASE WHEN {name} IS NULL THEN {text} IS NOT NULL END"
    if is_text and column.kind not in (Kind.ID, Kind.TEXT):
        is_error = _is_error(text)
        error = f"CASE WHEN {name} IS NULL THEN {is_error} END"
        faults.append(Fault(name, "error", error, _of_error(name), if_null=True))
        unreadable = f"CASE WHEN {name} IS NULL THEN {text} IS NOT NULL AND {is_error} IS NOT TRUE END"
    if column.kind is Kind.ENUM:
        message = f"{name} is not one of {', '.join(column.values)}"
        faults.append(Fault(name, "enumeration", unreadable, message, if_null=True))
    elif column.kind is Kind.CURRENCY:
        faults.append(Fault(name, "currency", unreadable, f"{name} is not an ISO 4217 currency", if_null=True))
    elif column.kind not in (Kind.ID, Kind.TEXT):
        message = f"{name} is not {column.kind.in_words} in the declared format"
        faults.append(Fault(name, "type", unreadable, message, if_null=True))
    if column.kind in (Kind.DATE, Kind.MONTH, Kind.TIMESTAMP):
        outside = f"NOT {name} BETWEEN DATE '{EARLIEST_DATE}' AND DATE '{LATEST_DATE}'"
        faults.append(Fault(name, "date_range", outside, f"{name} is not between {EARLIEST_DATE} and {LATEST_DATE}"))
    if column.kind is Kind.MONTH:
        message = (
            f"{name} is a date inside a month; if all rows of a month may add up, sum them in a SELECT (sql), and truncate "
            "the date there"
        )
        faults.append(Fault(name, "inside_month", f"day({name}) <> 1", message))
    if column.is_monday:
        message = f"{name} is not a Monday, which stands for its week"
        faults.append(Fault(name, "monday", f"isodow({name}) <> 1", message))
    faults += _bounds(column)
    return faults


def given_twice(column: Column, text: str) -> Fault:
    """A row gives a column, and another one that would fill it."""
    message = f"{column.name} and {column.filled_from} are both given; a row has one of them"
    both = f"{text} IS NOT NULL AND {column.name} IS NOT NULL AND {column.filled_from} IS NOT NULL"
    return Fault(column.name, "given_twice", both, message)


def _is_error(text: str) -> str:
    """SQL that is true for a text that the readers write for a cell without a value of its own."""
    return f"CASE WHEN {text} >= '#' AND {text} < '$' THEN regexp_full_match({text}, {literal(_ERROR_CELL)}) END"


def _of_error(name: str) -> str:
    return f"{name} is the error of a workbook, a formula whose result is not stored, or hidden in merged cells"


def identifier_faults(column: Column, *, has_controls: bool) -> list[Fault]:
    """What can be wrong with a text that names something; `has_controls` where the source may hold control characters."""
    name, given = column.name, f"given_{column.name}"
    faults = [Fault(name, "error", _is_error(given), _of_error(name))]
    if column.kind is not Kind.ID:
        return faults
    may_be_shortened = (
        f"{given} < ':' AND (substring({given}, 2, 1) IN ('.', ',', 'e', 'E') OR starts_with({given}, '-'))"
    )
    shortened = f"CASE WHEN {may_be_shortened} THEN regexp_full_match({given}, {literal(_SHORTENED_ID)}) END"
    message = f"a spreadsheet has shortened {name}, its digits are lost; export the column as text"
    faults.append(Fault(name, "shortened", shortened, message))
    invisible = f"regexp_matches({given}, {literal(_INVISIBLE)})"
    if not has_controls:
        # Bytes are counted in a fifth of the time; most identifiers are ASCII.
        invisible = f"CASE WHEN strlen({given}) <> length({given}) THEN {invisible} END"
    shown = f"regexp_replace({given}, {literal('(' + _INVISIBLE + ')')}, '<invisible>', 'g')"
    message = f"{name} has an invisible character; it would be another {name} than the one that looks the same"
    faults.append(Fault(name, "invisible", invisible, message, value=shown))
    return faults


def long_number(column: Column, sql_type: str) -> Fault:
    """A number with more digits than its type keeps, in place of an identifier."""
    given = f"given_{column.name}"
    message = f"{column.name} is a number of more digits than the source's type keeps; export the column as text"
    exact = EXACT_WHOLE_NUMBERS[sql_type]
    return Fault(column.name, "shortened", f"abs({given}) >= {exact}", message)


def sign_lost(column: Column) -> Fault:
    """A negative number that `abs` in the mapping makes positive, in a feed whose numbers have signs of their own."""
    name = column.name
    message = f"abs() takes the sign of a negative {name} away; negative cells are legal: map the column without abs()"
    return Fault(name, "sign_lost", f"given_{name}_sign < 0 AND {name} > 0", message)


def percent_fault(column: Column) -> Fault:
    """A percent sign where the row says that the whole is another one than the contract's."""
    condition = f"CASE WHEN {column.whole_column} <> {column.whole:f} THEN contains(given_{column.name}, '%') END"
    message = f"{column.name} is in percent, and {column.whole_column} is not {column.whole:f}"
    return Fault(column.name, "percent", condition, message)


def too_little(rule: RowRule, texts: Mapping[str, str]) -> Fault:
    """The fault of a row that lacks what a rule of its feed asks for."""
    is_kept = rule.is_kept(lambda name: f"{texts[name]} IS NOT NULL")
    return Fault(rule.column, rule.name, f"NOT ({is_kept})", rule.message)


def too_much(quantity: str, price: str) -> Fault:
    """A quantity and a price whose product is no amount that the contract could hold."""
    condition = f"abs({quantity}::DOUBLE * {price}::DOUBLE) >= 1e14"
    return Fault(price, "range", condition, f"{quantity} × {price} is 100 trillion or more, which no amount can be")


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
