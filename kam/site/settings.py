"""A site's settings: `kam.toml`, read once and validated, and the corrections of `corrections.toml` beside it.

Every key has a default but the site's name. An unknown key, a wrong type or an unusable value raises `SettingsError`,
which names the file, the key, what was expected and the nearest valid key.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import (
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from kam.errors import SettingsError
from kam.site.faults import explain, nearest
from kam.site.feed_source import UTC, FeedSource, known_zone
from kam.site.feeds import FEEDS
from kam.site.flag_rules import flag_rules
from kam.site.rating import RatingSection, missing_feeds, set_faults
from kam.site.section import ELSEWHERE, ENVIRONMENT_PREFIX, EnvironmentUrl, Exact, Section

SETTINGS_FILE = "kam.toml"
SalesBasis = Literal["invoiced", "ordered"]
PlanScope = Literal["all", "planned keys"]
AlertEvent = Literal[
    "close_failed",
    "close_warned",
    "close_preliminary",
    "close_approved",
    "recovered",
    "load_refused",
    "backfill_failed",
    "publish_failed",
    "flags",
    "attention",
]
ALERT_EVENTS: tuple[AlertEvent, ...] = get_args(AlertEvent)
# What is about accounts is for managers, not for those who run the close.
_USUAL_EVENTS = tuple(event for event in ALERT_EVENTS if event not in ("flags", "attention"))
SALES_FEEDS: Mapping[SalesBasis, str] = {"invoiced": "invoices", "ordered": "orders"}
OFF = "off"
# What the first step of a forecast is compared with.
NAIVE_STEP = "naive"
# Sections that do not affect the figures of the same rows.
_NO_DEFINITION = dict.fromkeys(
    ("feeds", "ingest", "readiness", "run", "warehouse", "checks", "alerts", "publish"), True
)
S3 = "s3://"
_ON_S3 = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9._=-]+)*/?")
# As PostgreSQL keeps a name that is not quoted, and no longer than it keeps one.
_NAME = r"^[a-z_][a-z0-9_]{0,62}$"


class SiteSection(Section):
    """`[site]`: whose data this is."""

    name: str = Field(min_length=1, description="name shown in reports and messages")
    reporting_currency: str = Field(
        default="EUR", pattern=r"^[A-Z]{3}$", description="currency of the published amounts, as an ISO 4217 code"
    )
    fiscal_year_start_month: int = Field(default=1, ge=1, le=12, description="first month of the fiscal year")
    timezone: str = Field(
        default=UTC, description="IANA time zone: of schedules, and of the day that a time with an offset belongs to"
    )
    memory_limit: str = Field(
        default="2GB",
        pattern=r"^\d+(\.\d+)?\s?(MB|GB|MiB|GiB)$",
        description="the most memory that DuckDB may use, such as 2GB",
    )

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        return known_zone(value)


class IngestSection(Section):
    """`[ingest]`: what a load accepts, and when it stops with a question."""

    reject_share: Exact = Field(
        default=Decimal("0.01"), ge=0, le=1, description="share of a load's rows that may be rejected"
    )
    shrink_ratio: Exact = Field(
        default=Decimal("0.5"), ge=0, le=1, description="share of the current rows that a snapshot may lose"
    )
    redated_days: int = Field(
        default=14,
        ge=0,
        description="days by which the date of a document may change; more, and its number may be that of another document",
    )
    settle_seconds: int = Field(default=0, ge=0, description="files changed more recently are left for the next run")
    max_expansion_ratio: int = Field(
        default=100, ge=1, description="the most a compressed file may grow, times its size"
    )
    max_expanded_gigabytes: Exact = Field(default=Decimal(20), gt=0, description="the most a compressed file may hold")

    @property
    def max_expanded_bytes(self) -> int:
        """The most a compressed file, a workbook or a Parquet file may hold; a gigabyte is 10⁹ bytes."""
        return int(self.max_expanded_gigabytes * 10**9)


class ReceivablesSection(Section):
    """`[receivables]`: ageing, days sales outstanding, credit and expected losses."""

    enabled: bool = Field(
        default=True, description="whether the tables of what customers owe are made; they need the feed invoices"
    )
    basis: Literal["due_date", "invoice_date"] = Field(
        default="due_date", description="the date from which an item ages"
    )
    buckets: tuple[Annotated[int, Field(gt=0)], ...] = Field(
        default=(30, 60, 90, 120), min_length=1, description="upper bounds of the ageing buckets, in days"
    )
    dso_window_months: int = Field(
        default=3, ge=1, le=36, description="months of billing that days sales outstanding looks back on"
    )
    apply_unapplied: Literal["no", "oldest_first"] = Field(
        default="no", description="whether payments without an invoice pay the oldest items of the account"
    )
    credit_exposure: Literal["outstanding", "outstanding_and_open_orders"] = Field(
        default="outstanding", description="what is compared with the credit limit"
    )
    loss_rates: Mapping[str, Exact] | None = Field(
        default=None,
        description="bucket and its expected loss, a fraction; without it expected losses are empty",
    )

    @field_validator("buckets")
    @classmethod
    def _ascending(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if list(value) != sorted(set(value)):
            message = "upper bounds in days, each larger than the one before"
            raise ValueError(message)
        return value

    @property
    def bucket_labels(self) -> tuple[str, ...]:
        """`current`, `1-30`, …, `over 120`."""
        lower = (1, *(bound + 1 for bound in self.buckets))
        spans = [f"{start}-{end}" for start, end in zip(lower, self.buckets, strict=False)]
        return ("current", *spans, f"over {self.buckets[-1]}")

    @model_validator(mode="after")
    def _rates_name_buckets(self) -> Self:
        for bucket, rate in (self.loss_rates or {}).items():
            if bucket not in self.bucket_labels:
                message = f"loss_rates names the bucket {bucket!r}; the buckets are {', '.join(self.bucket_labels)}"
                raise ValueError(message)
            if not 0 <= rate <= 1:
                message = f"loss_rates of {bucket!r} is a fraction from 0 to 1, not {rate}"
                raise ValueError(message)
        return self


class RagThresholds(Section):
    """`rag = {…}`: the least variance ratio that is still green, and amber."""

    green: Exact = Field(default=Decimal("-0.05"), description="the least variance ratio that is green")
    amber: Exact = Field(
        default=Decimal("-0.10"), description="the least variance ratio that is amber; below it is red"
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.amber > self.green:
            message = "amber at or below green"
            raise ValueError(message)
        return self


class VarianceSection(Section):
    """`[variance]`: what actual sales are, and how the bridge groups them."""

    actual: SalesBasis = Field(default="invoiced", description="which sales are compared with the plan")
    mix_group: tuple[Literal["account_id", "product_line", "account_manager", "region"], ...] = Field(
        default=("account_id",), description="columns that form the groups within which the bridge measures mix"
    )
    rag: RagThresholds = Field(default=RagThresholds(), description="limits of green, amber and red")
    week_split: Literal["working_days", "days"] = Field(
        default="working_days",
        description="how the weeks of a plan go to months: by their days from Monday to Friday, or by all seven",
    )
    plan_due: Mapping[str, date] = Field(
        default_factory=dict, description="plan version and the date by which it is to be submitted"
    )
    scope: PlanScope | None = Field(
        default=None,
        description="which sales plans are compared with: all, or those of the accounts, products and so on that a "
        "version plans anywhere in the fiscal year; without it all, and a plan that leaves out much is asked about",
    )
    plan_scope: Mapping[str, PlanScope] = Field(
        default_factory=dict, description="plan version and its scope, where it is not that of the others"
    )


class DeliverySection(Section):
    """`[delivery]`: the window in which a delivery is on time."""

    early_days: int | None = Field(default=None, ge=0, description="days early allowed; none = any")
    late_days: int = Field(default=0, ge=0, description="days late that still count as on time")
    quantity_tolerance_ratio: Exact = Field(
        default=Decimal(0), ge=0, le=1, description="share by which a full delivery may miss the quantity due"
    )


class VisitsSection(Section):
    """`[visits]`: when the plan of visits is due."""

    plan_due_day: int | None = Field(
        default=None,
        ge=1,
        le=31,
        description="day of the month before by which a month's visits are to be planned, the last day where that month is shorter; none = no due date",
    )


class TaxFormsSection(Section):
    """`[tax_forms]`: what a tax form that does not come costs."""

    rates: Mapping[str, Annotated[Exact, Field(ge=0, le=1)]] = Field(
        default_factory=dict,
        description="tax form and the share of the net amount that we owe as tax where the form does not come; a form without one "
        "has no tax at risk",
    )


class ProfitSection(Section):
    """`[profit]`: what the money costs that accounts owe."""

    receivables_rate: Exact = Field(
        default=Decimal(0),
        ge=0,
        le=1,
        description="interest per year on what an account owes at the month end, as a cost of the account",
    )


class ForecastSection(Section):
    """`[forecast]`: the steps of a forecast, the season of the naive forecasts, and what actual quantities are."""

    steps: tuple[str, ...] = Field(
        default=("sales",),
        min_length=1,
        description="steps of making a forecast, in their order: each is compared with the one before it, the first with a "
        "naive forecast; the outlook of the year takes the first",
    )
    season: int = Field(default=12, ge=1, le=53, description="periods of a season, for the seasonal naive forecast")
    actual: SalesBasis | None = Field(
        default=None, description="which quantities are compared with forecasts; by default as `[variance] actual`"
    )

    @field_validator("steps")
    @classmethod
    def _each_once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) < len(value) or NAIVE_STEP in value:
            message = f"names of forecast steps, each once and none of them {NAIVE_STEP!r}"
            raise ValueError(message)
        return value


# A number, or "off": the rule is not looked at.
FlagThresholds = Mapping[str, Exact | Literal["off"]]


class FlagsSection(Section):
    """`[flags]`: when an account is flagged: thresholds for all, by segment, and by account."""

    significant_change_ratio: Exact = Field(
        default=Decimal("0.2"),
        ge=0,
        description="share of the usual figure by which it must differ at least to be a significant change",
    )
    thresholds: FlagThresholds = Field(
        default_factory=dict,
        description='rule and its threshold for all accounts, or "off"; docs/flags.md lists the rules with their defaults',
    )
    segments: Mapping[str, FlagThresholds] = Field(
        default_factory=dict, description="segment and the thresholds that differ for its accounts"
    )
    accounts: Mapping[str, FlagThresholds] = Field(
        default_factory=dict, description="account and the thresholds that differ for it"
    )

    @model_validator(mode="after")
    def _rules_are_known(self) -> Self:
        for where, thresholds in self.all_thresholds():
            for rule in thresholds:
                if rule not in flag_rules():
                    name = ".".join(part for part in where if part)
                    message = f"{name}: no such rule {rule!r}.{nearest(rule, list(flag_rules()))}"
                    raise ValueError(message)
        return self

    def all_thresholds(self) -> list[tuple[tuple[str, str], FlagThresholds]]:
        """The thresholds of all accounts, of each segment and of each account, with the keys that lead to them."""
        return [
            (("thresholds", ""), self.thresholds),
            *((("segments", segment), thresholds) for segment, thresholds in self.segments.items()),
            *((("accounts", account_id), thresholds) for account_id, thresholds in self.accounts.items()),
        ]


class ReadinessSection(Section):
    """`[readiness]`: what a month needs before it is closed."""

    feeds: tuple[str, ...] = Field(
        default=("orders", "invoices"),
        description="feeds that must have rows in a month when the months closed before had some",
    )

    @field_validator("feeds")
    @classmethod
    def _have_rows_of_a_month(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        possible = [feed.name for feed in FEEDS.values() if feed.events]
        for name in value:
            if name not in possible:
                message = f"feeds of events ({', '.join(possible)}), not {name!r}.{nearest(name, possible)}"
                raise ValueError(message)
        return value


# An address has no password.
_TASK_RUNNER = re.compile(
    r"^(process|dask:(tcp|tls)://[^/@\s]+:\d+|ray:(auto|(ray://)?[^/@\s:]+:\d+)|deployment:[^/\s]+/[^/\s]+)$"
)


class RunSection(Section):
    """`[run]`: how runs share the machine; no figure depends on it."""

    months_at_once: int = Field(
        default=24, ge=1, description="months that a backfill builds with one scan; fewer take less memory"
    )
    busy_timeout_seconds: int = Field(default=600, ge=0, description="how long a run waits for another one to finish")
    workers: int = Field(
        default=1,
        ge=1,
        le=64,
        description="processes that build the months of a backfill at the same time; more than 1 need a DuckLake, and are experimental",
    )
    task_runner: str = Field(
        default="process",
        description='where workers run: "process" on this machine, the address of a Dask scheduler or a Ray cluster, such as "dask:tcp://HOST:8786" or '
        '"ray:HOST:6379", or a deployment on a work pool of the Prefect server, "deployment:build_chunk/workers"',
    )

    @field_validator("task_runner")
    @classmethod
    def _a_place_that_we_know(cls, value: str) -> str:
        if not _TASK_RUNNER.match(value):
            message = (
                '"process", an address without a password, such as "dask:tcp://HOST:8786", "ray:HOST:6379" or "ray:auto", or '
                '"deployment:build_chunk/workers"'
            )
            raise ValueError(message)
        return value


class WarehouseSection(Section):
    """`[warehouse]`: where loads and versions are stored; no figure depends on it."""

    kind: Literal["file", "ducklake"] = Field(
        default="file", description="file: warehouse.duckdb in this folder; ducklake: a DuckLake, which is experimental"
    )
    catalog: EnvironmentUrl | None = Field(
        default=None,
        description='of a DuckLake, "env:NAME": the variable that holds the URL of a PostgreSQL database of its own',
    )
    data: str = Field(
        default="lake",
        min_length=1,
        description='of a DuckLake, the folder of its data files, or "s3://BUCKET/PLACE" in S3-compatible storage',
    )
    archive: str | None = Field(
        default=None,
        description='of a site with a DuckLake, "s3://BUCKET/PLACE" for its archive and ledger; by default the folder archive/',
    )

    @field_validator("data")
    @classmethod
    def _a_folder_or_a_place_in_s3(cls, value: str) -> str:
        # DuckDB takes stars, brackets and question marks in such a name for a pattern. What is refused may hold a password.
        if "://" in value and not _ON_S3.fullmatch(value):
            kind, message = "secret", 'expected a folder, or "s3://BUCKET/PLACE" of letters, digits and . _ - = only'
            raise PydanticCustomError(kind, message)
        return value

    @field_validator("archive")
    @classmethod
    def _a_place_in_s3(cls, value: str | None) -> str | None:
        if value is not None and not _ON_S3.fullmatch(value):
            kind, message = "secret", 'expected "s3://BUCKET/PLACE" of letters, digits and . _ - = only'
            raise PydanticCustomError(kind, message)
        return value

    @model_validator(mode="after")
    def _a_lake_has_a_catalog(self) -> Self:
        if (self.kind == "ducklake") != (self.catalog is not None):
            message = 'catalog = "env:NAME" beside kind = "ducklake", and not without it'
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _the_archive_has_a_place_of_its_own(self) -> Self:
        if self.archive is None:
            return self
        if self.kind != "ducklake":
            message = 'archive = "s3://BUCKET/PLACE" needs kind = "ducklake"'
            raise ValueError(message)
        # `kam maintain` removes what no lake knows below the place of the data files.
        places = [f"{place.rstrip('/')}/" for place in (self.archive, self.data)]
        if any(one.startswith(other) for one, other in (places, reversed(places))):
            message = "archive and data lie within each other: expected two places side by side, such as s3://books/archive and s3://books/lake"
            raise ValueError(message)
        return self

    @property
    def catalog_variable(self) -> str:
        """The environment variable that holds the URL of the catalog; empty without one."""
        return (self.catalog or "").removeprefix(ENVIRONMENT_PREFIX)

    @property
    def is_on_s3(self) -> bool:
        """Whether the data files are in S3-compatible storage and not in a folder."""
        return self.data.startswith(S3)


class Correction(Section):
    """A source error and its right value, as `corrections_file` reads an entry of `corrections.toml`.

    The values are texts as DuckDB writes those of the columns, None for an empty cell; `key` is in the feed's order.
    """

    feed: str
    key: Mapping[str, str | None]
    column: str
    wrong: str | None
    right: str | None
    reason: str
    owner: str

    @property
    def key_in_words(self) -> str:
        """As a message names the row: `invoice_id R-1001, line_no 1`."""
        return ", ".join(f"{name} {'(empty)' if value is None else value}" for name, value in self.key.items())


class CheckSettings(Section):
    """`[checks."<rule>"]`: how serious a rule is for this site, and its threshold."""

    severity: Literal["critical", "warning", "info", "off"] | None = Field(
        default=None, description="what a failure means; by default as the rule says"
    )
    threshold: Exact | None = Field(
        default=None, ge=0, description="the number that docs/rules.md describes; by default as the rule says"
    )


class AlertChannel(Section):
    """`[alerts.channels.<name>]`: where messages go, and which."""

    url: EnvironmentUrl = Field(description='"env:NAME": the variable that holds an Apprise URL')
    events: tuple[AlertEvent, ...] = Field(
        default=_USUAL_EVENTS,
        min_length=1,
        description="the events that this channel gets; by default all but flags and attention",
    )
    account_managers: tuple[str, ...] = Field(
        default=(),
        description="managers whose accounts this channel is told of with the events flags and attention; by default all",
    )

    @property
    def url_variable(self) -> str:
        """The environment variable that holds the channel's URL."""
        return self.url.removeprefix(ENVIRONMENT_PREFIX)


class AlertsSection(Section):
    """`[alerts]`: who gets which messages; no figure depends on it."""

    link: str | None = Field(
        default=None, pattern=r"^https?://[^\s@]+$", description="public address of the quality page"
    )
    channels: Mapping[Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")], AlertChannel] = Field(
        default_factory=dict, description="name and address of each channel"
    )


class DatabaseTarget(Section):
    """`[publish.databases.<name>]`: a database that gets the published tables."""

    url: EnvironmentUrl = Field(description='"env:NAME": the variable that holds the SQLAlchemy URL')
    schema_name: str = Field(
        default="kam", alias="schema", pattern=_NAME, description="schema that has the tables; SQLite has none"
    )
    reader: str | None = Field(
        default=None,
        pattern=_NAME,
        description="role that may read the tables and nothing else, made where there is none; PostgreSQL only",
    )
    row_level_security: bool = Field(
        default=False,
        description="whether each login sees the accounts of its managers only, as the table account_access says; PostgreSQL only",
    )

    @property
    def url_variable(self) -> str:
        """The environment variable that holds the URL."""
        return self.url.removeprefix(ENVIRONMENT_PREFIX)


class PublishSection(Section):
    """`[publish]`: what is written beside the published DuckDB file; no figure depends on it."""

    pack: bool = Field(
        default=True, description="whether the close pack of the newest month is written: pages for people"
    )
    parquet: bool = Field(default=False, description="whether published/parquet has a file per table and month")
    xlsx: bool = Field(default=False, description="whether published/reports has a workbook per month")
    link: str | None = Field(
        default=None,
        pattern=r"^https?://[^\s@]+[^\s@/]$",
        description="public address of the folder published/, in messages",
    )
    databases: Mapping[Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")], DatabaseTarget] = Field(
        default_factory=dict, description="name and address of each database that gets the tables"
    )
    approval: bool = Field(
        default=False, description="whether readers see a new version of a month only after somebody approved it"
    )
    four_eyes: bool = Field(
        default=False, description="whether a version is approved by somebody else than the one who closed it"
    )

    @model_validator(mode="after")
    def _four_eyes_look_at_approvals(self) -> Self:
        if self.four_eyes and not self.approval:
            message = "approval = true beside four_eyes = true: without it nobody approves anything"
            raise ValueError(message)
        return self


class Settings(Section):
    """The whole of `kam.toml`, and the corrections in force."""

    site: SiteSection
    feeds: Mapping[str, FeedSource] = Field(default_factory=dict)
    ingest: IngestSection = IngestSection()
    readiness: ReadinessSection = ReadinessSection()
    run: RunSection = RunSection()
    warehouse: WarehouseSection = WarehouseSection()
    receivables: ReceivablesSection = ReceivablesSection()
    variance: VarianceSection = VarianceSection()
    rating: RatingSection = RatingSection()
    delivery: DeliverySection = DeliverySection()
    forecast: ForecastSection = ForecastSection()
    visits: VisitsSection = VisitsSection()
    tax_forms: TaxFormsSection = TaxFormsSection()
    profit: ProfitSection = ProfitSection()
    flags: FlagsSection = FlagsSection()
    checks: Mapping[str, CheckSettings] = Field(default_factory=dict)
    alerts: AlertsSection = AlertsSection()
    publish: PublishSection = PublishSection()
    corrections: Annotated[tuple[Correction, ...], ELSEWHERE] = ()

    @property
    def available(self) -> Mapping[str, bool]:
        """What the models may need, and whether this site has it: each feed, receivables, and the two bases of actual sales."""
        declared = {name: name in self.feeds for name in FEEDS}
        return declared | {
            "receivables": self.receivables.enabled and "invoices" in self.feeds,
            "actual_sales": SALES_FEEDS[self.variance.actual] in self.feeds,
            "actual_quantities": SALES_FEEDS[self.forecast.actual or self.variance.actual] in self.feeds,
        }

    def source(self, feed: str) -> FeedSource:
        """How a feed is read: what is declared for it, with the site's time zone where it has none of its own."""
        declared = self.feeds[feed]
        return declared.model_copy(update={"timezone": declared.timezone or self.site.timezone})

    @property
    def core_feeds(self) -> tuple[str, ...]:
        """The declared feeds without whose rows a month is not ready to be closed."""
        return tuple(name for name in self.readiness.feeds if name in self.feeds)

    def why_missing(self, need: str) -> str:
        """Why something that a model needs is not there, in words."""
        if need == "receivables":
            return "the feed invoices is not declared" if self.receivables.enabled else "[receivables] enabled is false"
        if need == "actual_sales":
            actual = self.variance.actual
            return f'the feed {SALES_FEEDS[actual]} is not declared, and [variance] actual is "{actual}"'
        if need == "actual_quantities":
            basis = self.forecast.actual or self.variance.actual
            return f'the feed {SALES_FEEDS[basis]} is not declared, and actual sales are taken as "{basis}"'
        return f"the feed {need} is not declared"

    @property
    def definitions(self) -> dict[str, Any]:
        """What decides figures, as JSON has it, and the names of the declared feeds."""
        definitions = self._dumped(leave_out_of_site={"timezone", "memory_limit"})
        return definitions | {"feeds": sorted(self.feeds)}

    def definitions_hash(self, month: date) -> str:
        """Changes when the same rows would give different figures of a month.

        Rules that hold from a later month on are left out: they change nothing in this one.
        """
        definitions = self._dumped(leave_out_of_site={"name", "timezone", "memory_limit"})
        rating = definitions["rating"] = self.rating.until(month).model_dump(mode="json")
        # So that sites without any of these keep the hash that their months were closed with.
        for name in ("deductions", "only_deductions", "changes", "sets"):
            if not rating[name]:
                del rating[name]
        for correction in definitions.get("corrections", ()):
            del correction["reason"], correction["owner"]
        return hashlib.sha256(json.dumps(definitions, sort_keys=True).encode()).hexdigest()

    def _dumped(self, *, leave_out_of_site: set[str]) -> dict[str, Any]:
        definitions = self.model_dump(mode="json", exclude=_NO_DEFINITION | {"site": leave_out_of_site})
        if not self.corrections:
            # So that sites that never had any keep the hash that their months were closed with.
            del definitions["corrections"]
        return definitions


def read_toml(file: Path, parse_float: Callable[[str], Any] = float) -> dict[str, Any]:
    """The document in a TOML file. Raises `SettingsError` when it cannot be read."""
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"), parse_float=parse_float)
    except tomllib.TOMLDecodeError as error:
        message = f"{file}: not valid TOML: {error}"
    except UnicodeDecodeError as error:
        message = f"{file}: not UTF-8 text (byte {error.start}). Save it as UTF-8"
    except OSError as error:
        message = f"{file}: cannot be read: {error.strerror}"
    raise SettingsError(message)


def validate_settings(document: Mapping[str, Any], file: Path) -> Settings:
    """Settings from a parsed document; `file` is named in errors."""
    try:
        settings = Settings.model_validate(document)
    except ValidationError as error:
        feeds = document.get("feeds")
        unknown = _unknown_feeds(feeds) if isinstance(feeds, Mapping) else []
        unknown += set_faults(document.get("rating"))
        message = "\n".join((explain(error, str(file), Settings), *(f"{file}: {fault}" for fault in unknown)))
        raise SettingsError(message) from None
    _check_feeds(settings, file, set_faults(document.get("rating")))
    return settings


def _unknown_feeds(names: Iterable[str]) -> list[str]:
    return [
        f"[feeds.{name}]: no such feed.{nearest(name, list(FEEDS))} The feeds: {', '.join(FEEDS)}"
        for name in names
        if name not in FEEDS
    ]


def _check_feeds(settings: Settings, file: Path, more_faults: Sequence[str]) -> None:
    """Raise `SettingsError` with what is wrong about feeds, and with more faults that were found before."""
    faults = [*_unknown_feeds(settings.feeds), *more_faults, *missing_feeds(settings.rating, settings.feeds)]
    if settings.run.workers > 1 and settings.warehouse.kind == "file":
        faults.append(
            'run.workers: expected 1 without [warehouse] kind = "ducklake" (it is '
            f"{settings.run.workers}): one process has warehouse.duckdb open, and others can neither read nor store anything"
        )
    for name, source in settings.feeds.items():
        if name not in FEEDS:
            continue
        if source.sign == "amount" and FEEDS[name].sign is None:
            faults.append(
                f'feeds.{name}.sign: "amount" needs a feed whose rows have a type, such as invoices; '
                f"the amounts of {name} are read with the sign that they have. Remove the key"
            )
        identity = FEEDS[name].identity
        if source.key and identity is None:
            faults.append(f"feeds.{name}.key: the rows of {name} are no documents with numbers. Remove the key")
        if source.mode == "document" and (identity is None or identity.is_revised or not FEEDS[name].key[1:]):
            faults.append(
                f'feeds.{name}.mode: "document" needs a feed of documents with lines, such as invoices. Use "upsert" for {name}'
            )
        if identity is not None and identity.document in source.key:
            faults.append(f"feeds.{name}.key: {identity.document} is the number; name the columns beside it")
        known = (*FEEDS[name].column_names, *source.key)
        faults += [
            f"feeds.{name}.columns.{column}: the feed {name} has no such column.{nearest(column, known)}"
            for column in source.columns
            if column not in known
        ]
    if faults:
        raise SettingsError("\n".join(f"{file}: {fault}" for fault in faults))
