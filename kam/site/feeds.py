"""What each feed contains: every column is described here once.

From a description follow the typed load, the rules that reject a row, the shape of an empty table, the comments in the
warehouse and `docs/feeds.md`. Nothing else in the project repeats a feed's columns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType

EARLIEST_DATE = "1990-01-01"
LATEST_DATE = "2100-01-01"


class Kind(StrEnum):
    """How a source's text is read, and the type it gets in DuckDB."""

    ID = "id"
    TEXT = "text"
    MONEY = "money"
    PRICE = "price"
    QUANTITY = "qty"
    RATE = "rate"
    NUMBER = "number"
    INTEGER = "int"
    DATE = "date"
    MONTH = "month"
    TIMESTAMP = "timestamp"
    BOOLEAN = "bool"
    CURRENCY = "currency"
    ENUM = "enumeration"

    @property
    def sql_type(self) -> str:
        """DuckDB's name of the type."""
        return _SQL_TYPES[self]

    @property
    def in_words(self) -> str:
        """What a message calls a value of this kind: `a date`, `a whole number`."""
        return _IN_WORDS[self]


_SQL_TYPES: Mapping[Kind, str] = {
    Kind.ID: "VARCHAR",
    Kind.TEXT: "VARCHAR",
    Kind.MONEY: "DECIMAL(18,4)",
    Kind.PRICE: "DECIMAL(24,10)",
    Kind.QUANTITY: "DECIMAL(18,4)",
    Kind.RATE: "DECIMAL(18,10)",
    Kind.NUMBER: "DECIMAL(18,4)",
    Kind.INTEGER: "INTEGER",
    Kind.DATE: "DATE",
    Kind.MONTH: "DATE",
    Kind.TIMESTAMP: "TIMESTAMP",
    Kind.BOOLEAN: "BOOLEAN",
    Kind.CURRENCY: "VARCHAR",
    Kind.ENUM: "VARCHAR",
}
_IN_WORDS: Mapping[Kind, str] = {
    Kind.ID: "an identifier",
    Kind.TEXT: "a text",
    Kind.MONEY: "an amount",
    Kind.PRICE: "a price",
    Kind.QUANTITY: "a quantity",
    Kind.RATE: "a rate",
    Kind.NUMBER: "a number",
    Kind.INTEGER: "a whole number",
    Kind.DATE: "a date",
    Kind.MONTH: "a month",
    Kind.TIMESTAMP: "a date and time",
    Kind.BOOLEAN: "yes or no",
    Kind.CURRENCY: "an ISO 4217 currency",
    Kind.ENUM: "one of the known values",
}


@dataclass(frozen=True)
class Column:
    """One column of a feed.

    `minimum` and `maximum` are inclusive bounds of a number; most amounts and quantities are never negative, because the
    document or payment type carries the sign. `default` fills an absent column and empty cells. `whole` is what 100 % means in
    a cell with a percent sign, where the row's `whole_column` (if any) says no other. A date that is not `is_in_calendar` is
    background, such as the start of a business relation: it says nothing of the months that a site has data for. A date that
    `is_monday` stands for its week. A month may be `filled_from` such a week, where a row gives one instead: it is then the month in
    which the week begins.
    """

    name: str
    kind: Kind
    meaning: str
    required: bool = False
    default: str | None = None
    values: tuple[str, ...] = ()
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    whole: Decimal | None = None
    whole_column: str = ""
    is_in_calendar: bool = True
    is_monday: bool = False
    filled_from: str = ""

    @property
    def sql_type(self) -> str:
        """DuckDB's type of the column in `staging` and `core`."""
        return self.kind.sql_type


@dataclass(frozen=True)
class RowRule:
    """Columns that a row must fill: all of at least one group in `any_of`, else it is rejected.

    With `with_column` the rule is for rows that fill this column.
    """

    name: str
    column: str
    any_of: tuple[tuple[str, ...], ...]
    message: str
    with_column: str = ""

    @property
    def columns(self) -> frozenset[str]:
        """All columns of which the rule speaks."""
        return frozenset(filter(None, (self.with_column, *(name for group in self.any_of for name in group))))

    def is_kept(self, is_given: Callable[[str], str]) -> str:
        """The SQL condition that a row keeps the rule; `is_given` says for a column how to see that the row fills it."""
        groups = [" AND ".join(map(is_given, group)) for group in self.any_of]
        if self.with_column:
            groups.append(f"NOT ({is_given(self.with_column)})")
        return " OR ".join(f"({group})" for group in groups)


@dataclass(frozen=True, kw_only=True)
class Events:
    """What a feed of events (its `date` is a day on which something happened) says about each of them.

    From this follow the view `core.feed_events` and the rules of `expectations/feeds/events.py`. The account, product and
    currency of an event are in the columns of that name. `quantity`, `unit_price` and `amount` name columns, for lines of
    goods: one of the two prices is enough, `amount` is that of the whole line.
    """

    planned_date: str | None = None
    """The day of an event that has not happened, whose `date` is empty: it belongs to a month, and is not news."""
    quantity: str | None = None
    unit_price: str | None = None
    amount: str | None = None
    line_counts: str = "true"
    """A condition in SQL: lines for which it does not hold have no usual quantity or price, such as cancelled ones."""


@dataclass(frozen=True)
class SignRule:
    """How the type of a row carries the sign of its amounts.

    In rows whose `column` is one of `negative`, positive `amounts` lessen what is owed; a source with `sign = "amount"` has
    them negative. The columns `total` of the rows of one `document` may be of both signs, and never add up to less than zero.
    """

    column: str
    negative: tuple[str, ...]
    amounts: tuple[str, ...]
    document: str = ""
    total: tuple[str, ...] = ()


@dataclass(frozen=True)
class Grain:
    """The columns that say how fine a list is: those that most rows of one list fill, which `of` tells from others."""

    of: tuple[str, ...]
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Identity:
    """What tells a document from another one that got the same number.

    The columns `fixed` and the feed's date stay as they are when a later load corrects a row of the `document`. With `shared`
    all lines of a document have them in common. With `is_revised` the rows of a document are its revisions: one may come alone,
    and equal rows without a number are one.
    """

    document: str
    fixed: tuple[str, ...] = ()
    shared: bool = False
    is_revised: bool = False


@dataclass(frozen=True)
class Feed:
    """One kind of extract: its grain, key and columns.

    `date` names the day or month that says to which business month a row belongs; master data has none. `events` is given
    when that day is one on which something happened, and nothing is known before. `identity` is given when a row is a
    document, or a line of one, whose number its sender counts up. No figure of a month reads a row that `is_read_by_date` and
    all of whose dates lie after the month.
    """

    name: str
    meaning: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    row_rules: tuple[RowRule, ...] = ()
    date: str | None = None
    events: Events | None = None
    sign: SignRule | None = None
    grain: Grain | None = None
    identity: Identity | None = None
    is_read_by_date: bool = False

    def __post_init__(self) -> None:
        """Raise `ValueError` for a column named by `key`, `date`, `events` or `identity` that the feed does not have."""
        events = self.events or Events()
        identity = (self.identity.document, *self.identity.fixed) if self.identity else ()
        roles = (self.date, events.planned_date, events.quantity, events.unit_price, events.amount, *identity)
        for name in (*self.key, *filter(None, roles)):
            if name not in self.column_names:
                message = f"kam/site/feeds.py: the feed {self.name} has no column {name!r}"
                raise ValueError(message)
        if self.events and not self.date:
            message = f"kam/site/feeds.py: the feed {self.name} has events and no date. Name the column of their day"
            raise ValueError(message)

    def column(self, name: str) -> Column:
        """The column of that name; KeyError when the feed has none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names in the order of the staging table."""
        return tuple(column.name for column in self.columns)

    @property
    def line(self) -> str:
        """The column that numbers the lines of a document and may be absent; empty when the feed has none."""
        if self.identity and self.identity.is_revised:
            return ""
        return next(
            (name for name in self.key if self.column(name).kind is Kind.INTEGER and self.column(name).default), ""
        )

    @property
    def priced(self) -> tuple[str, str] | None:
        """The quantity and the unit price whose product is the amount of a row; None where a row has no such price."""
        price = next((column.name for column in self.columns if column.kind is Kind.PRICE), None)
        quantity = next((column.name for column in self.columns if column.kind is Kind.QUANTITY), None)
        return (quantity, price) if price and quantity else None

    @property
    def date_columns(self) -> tuple[str, ...]:
        """Columns that hold a date or a month; together they span the months a site has data for."""
        return tuple(
            column.name for column in self.columns if column.kind in (Kind.DATE, Kind.MONTH) and column.is_in_calendar
        )

    @property
    def required(self) -> tuple[str, ...]:
        """Columns without which a source is refused."""
        return tuple(column.name for column in self.columns if column.required)

    @property
    def alternatives(self) -> frozenset[str]:
        """Columns that a row may give in place of another, which is filled from them."""
        return frozenset(column.filled_from for column in self.columns if column.filled_from)

    def same_key(self, left: str, right: str) -> str:
        """The SQL condition that two relations, under these names, have rows of one key."""
        # A column that is required or has a default is never NULL, and `=` is the cheaper of the two.
        never_null = {column.name for column in self.columns if column.required or column.default is not None}
        return " AND ".join(
            f"{left}.{name} {'=' if name in never_null else 'IS NOT DISTINCT FROM'} {right}.{name}" for name in self.key
        )


def _id(name: str, meaning: str, *, required: bool = False) -> Column:
    return Column(name, Kind.ID, meaning, required=required)


def _text(name: str, meaning: str) -> Column:
    return Column(name, Kind.TEXT, meaning)


def _date(name: str, meaning: str, *, required: bool = False) -> Column:
    return Column(name, Kind.DATE, meaning, required=required)


def _month(name: str, meaning: str) -> Column:
    return Column(name, Kind.MONTH, meaning, required=True)


def _money(name: str, meaning: str, *, required: bool = False) -> Column:
    return Column(name, Kind.MONEY, meaning, required=required, minimum=Decimal(0))


def _signed_money(name: str, meaning: str, *, required: bool = False, default: str | None = None) -> Column:
    return Column(name, Kind.MONEY, meaning, required=required, default=default)


def _price(name: str, meaning: str) -> Column:
    return Column(name, Kind.PRICE, meaning, minimum=Decimal(0))


def _quantity(name: str, meaning: str, *, required: bool = False) -> Column:
    return Column(name, Kind.QUANTITY, meaning, required=required, minimum=Decimal(0))


def _integer(name: str, meaning: str, *, required: bool = False, default: str | None = None) -> Column:
    return Column(name, Kind.INTEGER, meaning, required=required, default=default, minimum=Decimal(0))


def _boolean(name: str, meaning: str) -> Column:
    return Column(name, Kind.BOOLEAN, meaning)


def _choice(
    name: str, meaning: str, values: tuple[str, ...], *, required: bool = False, default: str | None = None
) -> Column:
    return Column(name, Kind.ENUM, meaning, required=required, default=default, values=values)


def _currency(
    meaning: str = "Currency of the row's amounts; empty = the reporting currency", *, required: bool = False
) -> Column:
    return Column("currency", Kind.CURRENCY, meaning, required=required)


def _rating(dimension: str) -> Column:
    return Column(
        f"rating_{dimension}",
        Kind.NUMBER,
        f"What the customer said about {dimension} in the visit, 0 to 100",
        minimum=Decimal(0),
        maximum=Decimal(100),
        whole=Decimal(100),
    )


_ACCOUNT = _id("account_id", "The customer account", required=True)
_MANAGER = _text("account_manager", "Key-account manager of this row; empty = the account's manager")
_DIMENSIONS = ("quality", "cost", "delivery", "development", "management", "overall")
_FEEDS = (
    Feed(
        "accounts",
        "Customer accounts: the master data that names them and says how they pay",
        key=("account_id",),
        columns=(
            _ACCOUNT,
            _text("account_name", "Name of the customer"),
            _id("parent_account_id", "The account this one belongs to"),
            _text("account_manager", "Key-account manager who owns the account"),
            _text("segment", "Customer segment, such as vehicle maker, fleet or tyre dealer"),
            _text("industry", "Industry of the customer"),
            _text("region", "Sales region"),
            _text("country", "Country of the customer"),
            _currency("Currency of the credit limit; empty = the reporting currency"),
            _integer("payment_terms_days", "Days from invoice date to due date, for invoices that name no due date"),
            _money("credit_limit", "The most the customer may owe, in the account's currency"),
            _boolean("key_account", "Whether the account is a key account"),
            _text("account_type", "Kind of customer, such as OEM, dealer, fleet or distributor"),
            _text("account_class", "Class of the account, such as A, B or C"),
            _text("business_unit", "Business unit that serves the account"),
            Column("customer_since", Kind.DATE, "First day as a customer", is_in_calendar=False),
            _text("quality_standard", "Quality standard that the customer asks for"),
            _money(
                "annual_spend",
                "What it buys of our product lines per year, from all suppliers, in the account's currency",
            ),
            _quantity("annual_quantity", "Quantity that it buys of our product lines per year, from all suppliers"),
            Column(
                "target_margin_ratio",
                Kind.NUMBER,
                "Gross margin that we aim at, as a share of net sales",
                minimum=Decimal(-1),
                maximum=Decimal(1),
                whole=Decimal(1),
            ),
        ),
    ),
    Feed(
        "products",
        "Parts that are sold",
        key=("product_id",),
        columns=(
            _id("product_id", "The part number", required=True),
            _text("product_name", "Name of the part"),
            _text("product_line", "Product line the part belongs to"),
            _text("unit", "Unit of its quantities"),
            _price("standard_cost", "Standard cost of one unit, for days on which `standard_costs` has none"),
            _currency("Currency of the standard cost and the list price; empty = the reporting currency"),
            _choice("product_source", "Where the part comes from", ("manufactured", "purchased", "remanufactured")),
            _price("list_price", "List price of one unit, for invoice lines that name none"),
        ),
    ),
    Feed(
        "calendar",
        "Business months that are not calendar months, such as 4-4-5; absent = calendar months",
        key=("period_month",),
        date="period_month",
        columns=(
            _month("period_month", "The month, as its first calendar day"),
            _date("start_date", "First business day of the month", required=True),
            _date("end_date", "Last business day of the month", required=True),
            _integer("fiscal_year", "Fiscal year, named by the year it ends in"),
            _integer("fiscal_quarter", "Quarter of the fiscal year, 1 to 4"),
            _integer("working_days", "Working days in the month"),
        ),
    ),
    Feed(
        "fx_rates",
        "Exchange rates into the reporting currency",
        key=("currency", "rate_date", "rate_type"),
        date="rate_date",
        is_read_by_date=True,
        columns=(
            _currency("The foreign currency", required=True),
            _date("rate_date", "Date the rate is for", required=True),
            Column(
                "rate",
                Kind.RATE,
                "Reporting currency for one unit of the foreign currency",
                required=True,
                minimum=Decimal("0.0000000001"),
            ),
            _choice("rate_type", "Kind of rate", ("spot", "average", "budget"), default="spot"),
        ),
    ),
    Feed(
        "orders",
        "Order lines",
        key=("order_id", "line_no"),
        date="order_date",
        is_read_by_date=True,
        events=Events(quantity="quantity", unit_price="unit_price", line_counts="status IS DISTINCT FROM 'cancelled'"),
        identity=Identity("order_id", ("account_id",), shared=True),
        columns=(
            _id("order_id", "The order", required=True),
            _integer("line_no", "Line of the order", default="1"),
            _ACCOUNT,
            _id("product_id", "The part ordered"),
            _date("order_date", "Date of the order", required=True),
            _date("requested_date", "Delivery date the customer asked for"),
            _date("promised_date", "Delivery date first promised"),
            _date("last_promised_date", "Delivery date promised last"),
            _quantity("quantity", "Quantity ordered", required=True),
            _price("unit_price", "Net price of one unit"),
            _currency(),
            _choice(
                "status",
                "State of the line; cancelled without a cancelled_date never counts",
                ("open", "closed", "cancelled"),
            ),
            _MANAGER,
            _text("region", "Sales region of the line; empty = the account's region"),
            _date("delivered_date", "Date delivered, for sources with one delivery per line"),
            _quantity("delivered_quantity", "Quantity delivered, for sources with one delivery per line"),
            _quantity("rejected_quantity", "Of the quantity delivered, what the customer rejected"),
            _date("cancelled_date", "Date the line was cancelled; before it the line counts, whatever its status"),
        ),
    ),
    Feed(
        "deliveries",
        "Deliveries against order lines",
        key=("delivery_id", "line_no"),
        date="delivered_date",
        is_read_by_date=True,
        events=Events(),
        identity=Identity("delivery_id", ("order_id",)),
        columns=(
            _id("delivery_id", "The delivery note", required=True),
            _integer("line_no", "Line of the delivery note", default="1"),
            _id("order_id", "The order delivered against", required=True),
            _integer("order_line_no", "Line of that order", default="1"),
            _date("delivered_date", "Date the goods reached the customer", required=True),
            _quantity("quantity", "Quantity delivered, rejected goods included", required=True),
            _quantity("rejected_quantity", "Of that, what the customer rejected"),
        ),
    ),
    Feed(
        "invoices",
        "Lines of invoices, credit notes and debit notes",
        key=("invoice_id", "line_no"),
        date="invoice_date",
        is_read_by_date=True,
        events=Events(quantity="quantity", amount="net_amount", line_counts="document_type = 'invoice'"),
        identity=Identity("invoice_id", ("account_id", "document_type"), shared=True),
        columns=(
            _id("invoice_id", "The document", required=True),
            _integer("line_no", "Line of the document", default="1"),
            _choice("document_type", "Kind of document", ("invoice", "credit_note", "debit_note"), default="invoice"),
            _ACCOUNT,
            _id("product_id", "The part invoiced"),
            _id("order_id", "The order invoiced"),
            _integer("order_line_no", "Line of that order"),
            _date("invoice_date", "Date of the document", required=True),
            _date("due_date", "Date payment is due; empty = invoice date plus the account's terms"),
            Column(
                "quantity",
                Kind.QUANTITY,
                "Quantity invoiced, negative for goods taken back; empty for rebates and price settlements",
            ),
            _signed_money("net_amount", "Net amount of the line; negative for a deduction", required=True),
            _signed_money("tax_amount", "Tax on the line", default="0"),
            _currency(),
            _id("reference_invoice_id", "The invoice a credit note corrects"),
            _money("invoice_total", "Gross of the whole document, to check its lines against"),
            _boolean("disputed", "Whether the customer disputes the document"),
            _MANAGER,
            _date("accepted_date", "Date the customer booked the invoice"),
            _price("list_price", "List price of one unit, in the document's currency"),
            _text("tax_form_type", "Tax form that the customer owes for it, such as the C-form"),
        ),
        sign=SignRule(
            "document_type",
            negative=("credit_note",),
            amounts=("quantity", "net_amount", "tax_amount", "invoice_total"),
            document="invoice_id",
            total=("net_amount", "tax_amount"),
        ),
    ),
    Feed(
        "instalments",
        "Instalments, the parts in which an invoice is due",
        key=("invoice_id", "instalment_no"),
        identity=Identity("invoice_id"),
        columns=(
            _id("invoice_id", "The invoice", required=True),
            _integer("instalment_no", "Number of the instalment", required=True),
            _date("due_date", "Date the instalment is due", required=True),
            _money("amount", "Amount of the instalment, in the invoice's currency", required=True),
        ),
    ),
    Feed(
        "payments",
        "Receipts and other settlements of open items",
        key=("payment_id", "line_no"),
        date="payment_date",
        is_read_by_date=True,
        events=Events(),
        identity=Identity("payment_id", ("account_id", "payment_type")),
        columns=(
            _id("payment_id", "The payment", required=True),
            _integer("line_no", "Line of the payment", default="1"),
            _id("account_id", "The account that paid", required=True),
            _id("invoice_id", "The invoice paid; empty = unapplied cash"),
            _integer("instalment_no", "The instalment paid; empty = the earliest due first"),
            _date("payment_date", "Date of the payment", required=True),
            _money("amount", "Amount paid", required=True),
            _currency("Currency of the payment; empty = the invoice's"),
            _choice(
                "payment_type",
                "Kind of settlement; a refund adds to what is owed",
                ("receipt", "discount", "write_off", "refund"),
                default="receipt",
            ),
        ),
        sign=SignRule("payment_type", negative=("refund",), amounts=("amount",)),
    ),
    Feed(
        "payment_plan",
        "Receipts expected by account and month",
        key=("account_id", "month"),
        date="month",
        is_read_by_date=True,
        columns=(
            _ACCOUNT,
            _month("month", "The month the receipts are planned for"),
            _money("amount", "Planned receipts", required=True),
            _currency(),
        ),
    ),
    Feed(
        "tax_forms",
        "Tax forms received from customers, such as the C-form, for a quarter or for one invoice",
        key=("form_id",),
        date="received_date",
        is_read_by_date=True,
        identity=Identity("form_id", ("account_id",)),
        columns=(
            _id("form_id", "The form", required=True),
            Column("form_type", Kind.TEXT, "Which form it is, as tax_form_type of the invoices has it", required=True),
            _ACCOUNT,
            Column(
                "fiscal_year",
                Kind.INTEGER,
                "Fiscal year that it is for, named by the year it ends in",
                minimum=Decimal(EARLIEST_DATE[:4]),
                maximum=Decimal(LATEST_DATE[:4]),
            ),
            Column(
                "quarter",
                Kind.INTEGER,
                "Quarter of that fiscal year; empty = that of the invoice",
                minimum=Decimal(1),
                maximum=Decimal(4),
            ),
            _date("received_date", "Day on which we received it", required=True),
            _money("amount", "Net amount that it covers", required=True),
            _currency("Currency of the amount, that of the invoices; empty = the reporting currency"),
            _id("invoice_id", "The invoice that it is for, if it is for one"),
        ),
        row_rules=(
            RowRule(
                "no_quarter",
                "quarter",
                (("fiscal_year", "quarter"), ("invoice_id",)),
                "neither fiscal_year and quarter nor an invoice_id is given",
            ),
        ),
    ),
    Feed(
        "visits",
        "Visits to customers, planned and held",
        key=("visit_id",),
        date="visit_date",
        is_read_by_date=True,
        events=Events(planned_date="planned_date"),
        identity=Identity("visit_id", ("account_id",)),
        columns=(
            _id("visit_id", "The visit", required=True),
            _ACCOUNT,
            _choice(
                "visit_type", "Purpose", ("sales", "technical", "complaint", "voc", "audit", "collection", "other")
            ),
            _date("planned_date", "Date the visit was planned for"),
            _date("visit_date", "Date it was held; empty = not held"),
            _MANAGER,
            Column("duration_hours", Kind.NUMBER, "Length in hours", minimum=Decimal(0)),
            _money("cost", "Cost of the visit"),
            _currency(),
            _id("opportunity_id", "The sales opportunity discussed"),
            _money("opportunity_value", "Value of the opportunity"),
            Column(
                "success_probability",
                Kind.NUMBER,
                "Probability of winning it, 0 to 1",
                minimum=Decimal(0),
                maximum=Decimal(1),
                whole=Decimal(1),
            ),
            _money("promised_payment_amount", "Payment the customer promised"),
            _date("promised_payment_date", "Date by which it was promised"),
            _rating("quality"),
            _rating("cost"),
            _rating("delivery"),
            _rating("development"),
            _rating("management"),
            _text("notes", "Notes of the visitor"),
            Column("plan_submitted_at", Kind.TIMESTAMP, "When the plan of the visit was submitted"),
            Column("reported_at", Kind.TIMESTAMP, "When the report on the visit was handed in"),
            _integer("participants", "People who took part"),
            _boolean("is_training", "Whether it was a training"),
            _money("budget_cost", "Cost that the plan allows for the visit"),
        ),
        row_rules=(
            RowRule(
                "no_date",
                "visit_date",
                (("planned_date",), ("visit_date",)),
                "neither planned_date nor visit_date is given",
            ),
        ),
    ),
    Feed(
        "scorecards",
        "Ratings that customers give their vendors",
        key=("account_id", "month", "dimension"),
        date="month",
        is_read_by_date=True,
        columns=(
            _ACCOUNT,
            _month("month", "The month that is rated"),
            _choice("dimension", "What was rated", _DIMENSIONS, required=True),
            Column(
                "score",
                Kind.NUMBER,
                "Points given",
                required=True,
                minimum=Decimal(0),
                whole=Decimal(100),
                whole_column="max_score",
            ),
            Column("max_score", Kind.NUMBER, "Points possible", default="100", minimum=Decimal("0.0001")),
            _text("source", "Where the scorecard came from"),
        ),
    ),
    Feed(
        "issues",
        "Complaints, audit findings and requests of customers",
        key=("issue_id",),
        date="opened_date",
        is_read_by_date=True,
        identity=Identity("issue_id", ("account_id",)),
        columns=(
            _id("issue_id", "The issue", required=True),
            _ACCOUNT,
            _id("product_id", "The part concerned"),
            _choice("dimension", "What it is about", _DIMENSIONS),
            _choice("issue_type", "Kind of issue", ("complaint", "audit_finding", "request")),
            _date("opened_date", "Date it was opened", required=True),
            _date("target_close_date", "Date by which it should be closed"),
            _date("closed_date", "Date it was closed; empty = open"),
            _quantity("affected_quantity", "Quantity concerned"),
            _text("severity", "How serious it is, in the source's own words"),
            _text(
                "incident",
                "What happened, in the source's own words, such as line stoppage, premium freight or missing documents",
            ),
            _choice(
                "origin", "Who found it: the customer, or we ourselves", ("external", "internal"), default="external"
            ),
            _choice(
                "category",
                "What failed",
                ("quality", "delivery", "credit", "billing", "supply", "engineering", "other"),
            ),
            _date("reopened_date", "Date it was opened again after it was closed; empty = never"),
            _money("cost", "What the issue cost us"),
            _currency(),
        ),
    ),
    Feed(
        "opportunities",
        "Sales opportunities: one row for each day on which something about one was recorded",
        key=("opportunity_id", "recorded_on"),
        date="recorded_on",
        is_read_by_date=True,
        columns=(
            _id("opportunity_id", "The opportunity", required=True),
            _date("recorded_on", "Day from which the row holds, until the next one of the opportunity", required=True),
            _ACCOUNT,
            _text("product_line", "The product line concerned"),
            _text("stage", "How far it has come, in the source's own words"),
            _money("value", "What it is worth if it is won", required=True),
            _currency(),
            Column(
                "success_probability",
                Kind.NUMBER,
                "Probability of winning it, 0 to 1",
                minimum=Decimal(0),
                maximum=Decimal(1),
                whole=Decimal(1),
            ),
            Column("expected_close", Kind.DATE, "Day on which the decision is expected", is_in_calendar=False),
            _choice("outcome", "How it was decided; empty = not yet", ("won", "lost")),
            _date("closed_on", "Day of the decision"),
            _MANAGER,
        ),
        row_rules=(
            RowRule(
                "no_closed_on",
                "closed_on",
                (("closed_on",),),
                "closed_on is not given, and outcome is",
                with_column="outcome",
            ),
        ),
    ),
    Feed(
        "quotations",
        "What customers asked us to offer, what we offered and how they decided: one row for each revision of an offer",
        key=("quotation_id", "revision"),
        date="rfq_date",
        is_read_by_date=True,
        identity=Identity("quotation_id", ("account_id",), is_revised=True),
        columns=(
            _id("quotation_id", "The quotation, the same in all its revisions", required=True),
            _integer("revision", "Number of the revision; the lowest is the first offer", default="0"),
            _ACCOUNT,
            _id("product_id", "The part asked for"),
            _id("project_id", "The project of the customer"),
            _choice("project_type", "Whether the business is new or goes on", ("new", "existing")),
            _date("rfq_date", "Day on which the customer asked for the offer", required=True),
            Column("requested_by", Kind.DATE, "Day by which the customer wants the offer", is_in_calendar=False),
            _date("quoted_date", "Day on which we made the offer; empty = not yet"),
            _quantity("quantity", "Quantity per year"),
            _price("unit_price", "Net price of one unit that we offer"),
            _price("target_price", "Price of one unit that the customer wants to pay"),
            _currency(),
            _choice(
                "decision",
                "How it ended: won, lost, declined by us, withdrawn by the customer; empty = not yet",
                ("won", "lost", "declined", "withdrawn"),
            ),
            _date("decided_date", "Day of the decision"),
            _text("lost_reason", "Why it was lost, in the source's own words"),
            _id("competitor_id", "The competitor who got the business"),
            _id("order_id", "The order that came of it"),
            _boolean("has_drawing", "Whether the customer gave the drawing"),
            _boolean("has_quantity", "Whether the customer gave the quantities"),
            _boolean("has_specification", "Whether the customer gave the specification"),
            _boolean("has_usage", "Whether the customer said what the part is used for"),
            _boolean("has_sample", "Whether the customer gave a sample"),
            _MANAGER,
        ),
        row_rules=(
            RowRule(
                "no_decided_date",
                "decided_date",
                (("decided_date",),),
                "decided_date is not given, and decision is",
                with_column="decision",
            ),
        ),
    ),
    Feed(
        "competitor_observations",
        "What was seen or heard of competitors at our customers: their prices, shares and service",
        key=("observation_id",),
        date="observed_on",
        is_read_by_date=True,
        identity=Identity("observation_id", ("account_id",)),
        columns=(
            _id("observation_id", "The observation", required=True),
            _date("observed_on", "Day of the observation", required=True),
            _id("account_id", "The customer account; empty = it is of the market"),
            _id("competitor_id", "The competitor", required=True),
            _text("product_line", "The product line; empty = that of the part"),
            _id("product_id", "The part of ours that it is compared with"),
            _choice(
                "kind",
                "What was observed: a price of one unit, a share of what the account buys (0–1), rejected parts per million, the share of"
                " lines on time in full (0–1), visits in a month, a technology, something else",
                ("price", "share", "ppm", "otif", "visit", "technology", "other"),
            ),
            Column("value", Kind.NUMBER, "The figure observed", minimum=Decimal(0), whole=Decimal(1)),
            _currency("Currency of a price; empty = the reporting currency"),
            _text("source", "Where it comes from"),
            _id("visit_id", "The visit in which it was heard"),
            _text("notes", "Free text"),
        ),
    ),
    Feed(
        "sales_plan",
        "Planned sales; the filled grain columns are the plan's grain, the same for a whole version",
        key=("plan_version", "month", "week", "account_id", "product_id", "product_line", "account_manager", "region"),
        date="month",
        grain=Grain(("plan_version",), ("account_id", "product_id", "product_line", "account_manager", "region")),
        columns=(
            _id("plan_version", "The version of the plan", required=True),
            Column("month", Kind.MONTH, "The month that is planned; in a plan by weeks empty", filled_from="week"),
            Column(
                "week",
                Kind.DATE,
                "The Monday of the week that is planned, in place of a month; [variance] week_split says how weeks go to months",
                is_monday=True,
            ),
            _id("account_id", "The customer account, if the plan is by account"),
            _id("product_id", "The part, if the plan is by part"),
            _text("product_line", "The product line, if the plan is by product line"),
            _text("account_manager", "The manager, if the plan is by manager"),
            _text("region", "The sales region, if the plan is by region"),
            Column("quantity", Kind.QUANTITY, "Planned quantity; negative for planned returns"),
            _price("unit_price", "Planned net price of one unit"),
            _signed_money(
                "amount", "Planned net amount, negative for planned credits; empty = quantity times unit price"
            ),
            _currency(),
            Column(
                "fx_rate",
                Kind.RATE,
                "Budget rate: reporting currency for one unit of the plan's currency",
                minimum=Decimal("0.0000000001"),
            ),
            Column("submitted_at", Kind.TIMESTAMP, "When the plan was submitted"),
        ),
        row_rules=(
            RowRule("no_month", "month", (("month",), ("week",)), "neither a month nor a week is given"),
            RowRule(
                "no_amount",
                "amount",
                (("amount",), ("quantity", "unit_price")),
                "neither an amount nor quantity and unit_price is given",
            ),
        ),
    ),
    Feed(
        "forecasts",
        "Quantities forecast for a target month at the end of a snapshot month",
        key=("forecast_step", "snapshot_month", "account_id", "product_id", "target_month"),
        date="target_month",
        is_read_by_date=True,
        grain=Grain(("forecast_step", "snapshot_month", "target_month"), ("account_id", "product_id")),
        columns=(
            Column(
                "forecast_step",
                Kind.ID,
                "Who or what made the forecast: sales, statistical, customer_schedule",
                default="sales",
            ),
            _month("snapshot_month", "The forecast was made at the end of this month"),
            _month("target_month", "The month that is forecast"),
            _id("account_id", "The customer account"),
            _id("product_id", "The part"),
            _quantity("quantity", "Quantity forecast", required=True),
        ),
    ),
    Feed(
        "credit_reviews",
        "What credit agencies, or our own credit department, found about customers",
        key=("account_id", "reviewed_on"),
        date="reviewed_on",
        is_read_by_date=True,
        columns=(
            _ACCOUNT,
            _date("reviewed_on", "Day of the review", required=True),
            _text("agency", "Who reviewed the account"),
            _text("rating", "Rating, in the grades of the agency"),
            _text("risk_class", "Risk class, such as low, medium or high"),
            Column("score", Kind.NUMBER, "Score, on the scale of the agency"),
            _money("recommended_limit", "Credit limit that the review recommends"),
            _currency("Currency of the recommended limit; empty = the reporting currency"),
            Column("next_review_on", Kind.DATE, "Day by which the next review is due", is_in_calendar=False),
            _boolean("is_blocked", "Whether the account may not order any more"),
        ),
    ),
    Feed(
        "standard_costs",
        "What one unit of a part costs, since when",
        key=("product_id", "valid_from"),
        columns=(
            _id("product_id", "The part", required=True),
            Column(
                "valid_from",
                Kind.DATE,
                "First day on which the cost holds, until the next one does",
                required=True,
                is_in_calendar=False,
            ),
            Column("unit_cost", Kind.PRICE, "Standard cost of one unit", required=True, minimum=Decimal(0)),
            _currency("Currency of the cost; empty = the reporting currency"),
        ),
    ),
    Feed(
        "account_costs",
        "What it costs to serve an account in a month, beside the goods",
        key=("account_id", "month", "cost_type"),
        date="month",
        is_read_by_date=True,
        columns=(
            _ACCOUNT,
            _month("month", "The month of the costs"),
            _choice(
                "cost_type",
                "Kind of cost. Freight, rebates and warranty grow with the sales. A rebate that is an invoice line or a credit "
                "note is in the sales and does not belong here",
                ("freight", "rebate", "service", "warranty", "other"),
                required=True,
            ),
            _money("amount", "The cost", required=True),
            _currency(),
        ),
    ),
    Feed(
        "business_cases",
        "The money that a project costs and brings, month by month, planned and past",
        key=("case_id", "month"),
        columns=(
            _id("case_id", "The business case", required=True),
            Column("month", Kind.MONTH, "The month of the money", required=True, is_in_calendar=False),
            _id("account_id", "The customer account of the case"),
            _id("project_id", "The project of the case"),
            _signed_money("cash_flow", "What it brings; negative for what it costs", required=True),
            _currency(),
            Column(
                "discount_rate",
                Kind.RATE,
                "Interest per year at which later money is worth less, such as 0.08; the first one of a case counts",
                minimum=Decimal(0),
                maximum=Decimal(1),
                whole=Decimal(1),
            ),
        ),
    ),
    Feed(
        "actions",
        "What was agreed to be done, by whom and until when: action plans, tasks, commitments",
        key=("action_id",),
        date="opened_date",
        is_read_by_date=True,
        identity=Identity("action_id", ("account_id",)),
        columns=(
            _id("action_id", "The action", required=True),
            _id("account_id", "The customer account; empty = of none"),
            _choice(
                "kind",
                "What it is: part of an action plan, a task, a corrective action, what we promised, part of a programme",
                ("action_plan", "to_do", "corrective", "commitment", "programme"),
            ),
            _id("plan_id", "The action plan or programme that it belongs to"),
            _text("owner", "Who does it"),
            _date("opened_date", "Day on which it was agreed", required=True),
            Column("due_date", Kind.DATE, "Day by which it is due; empty = no such day", is_in_calendar=False),
            _date("done_date", "Day on which it was done; empty = not yet"),
            _date("cancelled_date", "Day on which it was given up; empty = it was not"),
            _date("updated_date", "Day on which its owner last reported on it"),
            _id("measure", "The figure that it is to improve, as table.column"),
            Column("baseline", Kind.NUMBER, "What the figure was when it began", whole=Decimal(1)),
            Column("target", Kind.NUMBER, "What the figure is to become", whole=Decimal(1)),
            _text("about", "What it is about, such as issue:4711, visit:12, quotation:Q7, audit:A3"),
            _text("title", "What is to be done"),
        ),
    ),
    Feed(
        "contracts",
        "Contracts with customers: when they run, who signed them, until when notice can be given",
        key=("contract_id",),
        date="start_date",
        is_read_by_date=True,
        columns=(
            _id("contract_id", "The contract", required=True),
            _ACCOUNT,
            _date("start_date", "First day on which it holds", required=True),
            Column("end_date", Kind.DATE, "Last day of its first term; empty = it has no end", is_in_calendar=False),
            Column(
                "notice_days",
                Kind.INTEGER,
                "Days before its end by which notice has to be given; empty = none are agreed",
                minimum=Decimal(0),
                # Ten years: what is more is a date or a number of another column.
                maximum=Decimal(3660),
            ),
            _boolean("is_renewed_automatically", "Whether it runs on for 12 months each time that nobody gave notice"),
            _date("signed_by_us", "Day on which we signed; empty = not yet"),
            _date("signed_by_customer", "Day on which the customer signed; empty = not yet"),
            _date("terminated_on", "Day on which it ended by notice or agreement; empty = it did not"),
            _integer("payment_terms_days", "Days to pay that it grants"),
            _text("title", "What it is about"),
        ),
    ),
    Feed(
        "commitments",
        "What was promised in contracts: volumes to be bought in a time, and other things by a day",
        key=("commitment_id",),
        date="from_date",
        is_read_by_date=True,
        columns=(
            _id("commitment_id", "The commitment", required=True),
            _id("contract_id", "The contract that it belongs to; empty = of none"),
            _ACCOUNT,
            _choice("party", "Who committed to it: we, or the customer (empty = the customer)", ("ours", "customer")),
            _text("product_line", "The product line concerned; empty with an empty product_id = all parts"),
            _id("product_id", "The part concerned"),
            _date("from_date", "First day on which it holds", required=True),
            Column("to_date", Kind.DATE, "Last day on which it holds", required=True, is_in_calendar=False),
            _quantity("quantity", "Quantity to be bought from from_date to to_date"),
            _money("amount", "Net amount to be bought from from_date to to_date"),
            _currency(),
            Column("due_date", Kind.DATE, "Day by which something else than a volume is due", is_in_calendar=False),
            _date("fulfilled_on", "Day on which it was done; empty = not yet"),
            _text("title", "What was promised"),
        ),
    ),
    Feed(
        "milestones",
        "Gates of projects with customers, from the request for quotation to the start of production and after",
        key=("project_id", "gate"),
        columns=(
            _id("project_id", "The project", required=True),
            _ACCOUNT,
            _id("product_id", "The part that it is about"),
            _id("gate", "The gate, such as RFQ, award, OTS, PPAP, SOP (start of production)", required=True),
            Column("requested_date", Kind.DATE, "Day by which the customer wants it", is_in_calendar=False),
            Column("planned_date", Kind.DATE, "Day for which it is planned now", is_in_calendar=False),
            _date("actual_date", "Day on which it was decided; empty = not yet"),
            _choice(
                "result", "What was decided; empty with an actual_date = passed", ("approved", "interim", "rejected")
            ),
            _quantity("annual_quantity", "Quantity expected a year"),
            _price("unit_price", "Net price expected for one unit"),
            _currency("Currency of the unit price; empty = the reporting currency"),
            Column(
                "lifetime_years", Kind.NUMBER, "Years for which the part is expected to be sold", minimum=Decimal(0)
            ),
        ),
    ),
    Feed(
        "market",
        "What customers, or the customers of a region, buy of a product line per month from all suppliers",
        key=("month", "account_id", "region", "product_line", "source"),
        date="month",
        is_read_by_date=True,
        columns=(
            _month("month", "The month in which it was bought"),
            _id("account_id", "The customer account, for what it buys"),
            _text(
                "region", "The sales region, for what all customers there buy; with an account_id it says nothing more"
            ),
            _text("product_line", "The product line; empty = all product lines together"),
            _quantity("total_quantity", "Quantity bought from all suppliers, us included"),
            _money("total_amount", "Amount bought from all suppliers, us included"),
            _currency(),
            _text("source", "Who says so"),
            _boolean("is_estimate", "Whether it is an estimate; a figure that is none goes before it"),
        ),
        row_rules=(
            RowRule(
                "no_account_or_region",
                "account_id",
                (("account_id",), ("region",)),
                "neither account_id nor region is given",
            ),
            RowRule(
                "no_size",
                "total_amount",
                (("total_amount",), ("total_quantity",)),
                "neither total_amount nor total_quantity is given",
            ),
        ),
    ),
    Feed(
        "indicators",
        "Figures of the economy that our markets follow, such as the number of vehicles made",
        key=("indicator", "month"),
        date="month",
        is_read_by_date=True,
        columns=(
            Column("indicator", Kind.ID, "What is measured, such as vehicle production", required=True),
            _month("month", "The month that it is of"),
            Column("value", Kind.NUMBER, "The figure, in its unit", required=True),
            _text("unit", "Unit of the figure"),
            _text("source", "Who says so"),
        ),
    ),
    Feed(
        "assessments",
        "What customers and certifiers found: audits, certificates, awards, surveys, programmes",
        key=("assessment_id", "criterion"),
        date="assessed_on",
        is_read_by_date=True,
        columns=(
            _id("assessment_id", "The assessment", required=True),
            Column("criterion", Kind.ID, "What was assessed, such as a question or a standard", default="overall"),
            _id("account_id", "The customer account; empty = of none, such as a certificate of ours"),
            _choice("kind", "What it is", ("audit", "certificate", "award", "survey", "programme"), required=True),
            _date("assessed_on", "Day on which it was given", required=True),
            Column(
                "valid_until", Kind.DATE, "Last day on which it is valid; empty = no such day", is_in_calendar=False
            ),
            Column(
                "points",
                Kind.NUMBER,
                "Points given",
                minimum=Decimal(0),
                whole=Decimal(100),
                whole_column="max_points",
            ),
            Column("max_points", Kind.NUMBER, "Points possible", minimum=Decimal("0.0001")),
            _text("title", "What it is called"),
        ),
    ),
    Feed(
        "targets",
        "What a figure should be in a month: of an account, of the accounts of a manager, or of all",
        key=("month", "measure", "account_id", "account_manager"),
        date="month",
        is_read_by_date=True,
        columns=(
            _month("month", "The month for which the target is"),
            Column(
                "measure",
                Kind.ID,
                "The figure, as table.column of docs/metrics.md, such as sales.net_amount",
                required=True,
            ),
            _id("account_id", "The customer account, if the target is of one"),
            _text("account_manager", "The manager, if the target is of the accounts of one; empty in both = of all"),
            Column(
                "target",
                Kind.NUMBER,
                "What the figure should be at least, or at most where less is better, in the unit of the figure",
                required=True,
                whole=Decimal(1),
            ),
        ),
    ),
)
FEEDS: Mapping[str, Feed] = MappingProxyType({feed.name: feed for feed in _FEEDS})
