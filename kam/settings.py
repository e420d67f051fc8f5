"""A site's settings: `kam.toml`, read once and validated, and the corrections of `corrections.toml` beside it.

Every key has a default but the site's name. An unknown key, a wrong type or an unusable value raises `SettingsError`,
which names the file, the key, what was expected and the nearest valid key.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from kam.contracts import FEEDS
from kam.errors import SettingsError, UsageError

SETTINGS_FILE = "kam.toml"
SITE_VARIABLE = "KAM_SITE"

# TOML reads 0.003 as a float; its shortest text is what the person wrote, so money and rates stay exact.
Exact = Annotated[Decimal, BeforeValidator(lambda value: str(value) if isinstance(value, float) else value)]
Dimension = Literal["quality", "cost", "delivery", "development", "management"]
RATED_DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)
DeliveryBasis = Literal["requested", "promised", "last_promised"]
SalesBasis = Literal["invoiced", "ordered"]
AlertEvent = Literal["close_failed", "close_warned", "recovered", "load_refused", "backfill_failed"]
ALERT_EVENTS: tuple[AlertEvent, ...] = get_args(AlertEvent)
SALES_FEEDS: Mapping[SalesBasis, str] = {"invoiced": "invoices", "ordered": "orders"}
WORKBOOK_ENDINGS = (".xlsx", ".xlsm")
OFF = "off"
_ENVIRONMENT = "env:"
# As SQLAlchemy finds a parameter: not the `::` of a cast, not the colon in a word or after a backslash.
_WATERMARK_PARAMETER = re.compile(r"(?<![:\w\\]):watermark\b(?!:)")

# Sections that decide how rows are read and how runs go, not what the figures of the same rows are.
_NO_DEFINITION = {"feeds": True, "ingest": True, "run": True, "checks": True, "alerts": True}
_DEFAULT_WEIGHTS: Mapping[Dimension, Decimal] = {
    "quality": Decimal(30),
    "cost": Decimal(20),
    "delivery": Decimal(25),
    "development": Decimal(10),
    "management": Decimal(15),
}


class Section(BaseModel):
    """A table of `kam.toml`; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _only_from_the_environment(value: str) -> str:
    """Refuse a URL that stands in the file. It may hold a password: it is not shown."""
    if not re.fullmatch(_ENVIRONMENT + r"[A-Za-z_][A-Za-z0-9_]*", value):
        kind, message = "secret", 'expected "env:NAME", the name of the environment variable that holds the URL'
        raise PydanticCustomError(kind, message)
    return value


EnvironmentUrl = Annotated[str, AfterValidator(_only_from_the_environment)]


class SiteSection(Section):
    """`[site]`: who the books belong to."""

    name: str = Field(min_length=1, description="name shown in reports and messages")
    reporting_currency: str = Field(default="EUR", pattern=r"^[A-Z]{3}$", description="ISO 4217 code")
    fiscal_year_start_month: int = Field(default=1, ge=1, le=12, description="1 to 12")
    timezone: str = Field(default="UTC", description="IANA time zone, used for schedules and messages only")
    memory_limit: str = Field(default="2GB", pattern=r"^\d+(\.\d+)?\s?(MB|GB|MiB|GiB)$", description="as 2GB")

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        import zoneinfo

        if value not in zoneinfo.available_timezones():
            message = f"an IANA time zone such as Europe/Berlin, not {value!r}"
            raise ValueError(message)
        return value


class CsvDialect(Section):
    """`csv = {…}`: how a text file is written. Nothing here is guessed."""

    delimiter: str = Field(default=",", min_length=1, max_length=1)
    quote: str = Field(default='"', max_length=1, description="empty = cells are never quoted")
    encoding: str = "utf-8"
    decimal: str = Field(default=".", min_length=1, max_length=1)
    thousands: str = Field(default="", max_length=1)
    date_format: str | tuple[str, ...] = Field(
        default="", description='strptime format, or "excel" for serial day numbers; empty = ISO 8601'
    )
    null_values: tuple[str, ...] = Field(default=(), description="texts that mean an empty cell")
    true_values: tuple[str, ...] = Field(default=(), description="texts that mean yes, in place of true, yes, 1")
    false_values: tuple[str, ...] = Field(default=(), description="texts that mean no, in place of false, no, 0")
    currency_signs: tuple[str, ...] = Field(
        default=(), description="signs and codes that may stand beside an amount, such as € or EUR"
    )
    skip_rows: int = Field(default=0, ge=0, description="lines above the header")

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str) -> str:
        import codecs

        try:
            name = codecs.lookup(value).name
            "a".encode(name)
        except (LookupError, UnicodeError, ValueError):
            message = f"an encoding such as utf-8, latin-1 or utf-16, not {value!r}"
            raise ValueError(message) from None
        return name

    @model_validator(mode="after")
    def _separators_differ(self) -> Self:
        if self.thousands == self.decimal:
            message = f"decimal and thousands are both {self.decimal!r}"
            raise ValueError(message)
        marks = [mark for mark in (self.delimiter, self.quote) if mark]
        if len(set(marks)) < len(marks) or any(mark in "\r\n\0" for mark in marks):
            message = f"delimiter and quote that differ and are no line ends, not {self.delimiter!r} and {self.quote!r}"
            raise ValueError(message)
        if self.quote and not self.quote.isascii():
            message = f"an ASCII quote such as '\"', not {self.quote!r}"
            raise ValueError(message)
        if any(mark.isalnum() or mark in "+-%()" for mark in (self.decimal, self.thousands) if mark):
            message = f"separators of numbers such as '.' and ',', not {self.decimal!r} and {self.thousands!r}"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _yes_is_not_no(self) -> Self:
        if bool(self.true_values) != bool(self.false_values):
            message = "both of true_values and false_values, or none"
            raise ValueError(message)
        if {word.lower() for word in self.true_values} & {word.lower() for word in self.false_values}:
            message = "true_values and false_values without a text in common"
            raise ValueError(message)
        return self

    @property
    def date_formats(self) -> tuple[str, ...]:
        """The declared strptime formats; empty = ISO 8601."""
        if isinstance(self.date_format, tuple):
            return self.date_format
        return (self.date_format,) if self.date_format else ()


class ConstantColumn(Section):
    """`{ value = … }`: the same value in every row."""

    value: str | int | float | bool


class ComputedColumn(Section):
    """`{ sql = … }`: a DuckDB expression over the source's columns."""

    sql: str = Field(min_length=1)


def _may_be_workbooks(pattern: str) -> bool:
    """Whether a pattern can name a workbook: by its ending, or because it has none, such as a folder or `*`."""
    ending = Path(pattern).suffix.lower()
    return ending in WORKBOOK_ENDINGS or not ending or "*" in ending or "?" in ending


class FeedSource(Section):
    """`[feeds.<name>]`: where a feed comes from and how its columns are called there."""

    files: str | tuple[str, ...] | None = Field(
        default=None, description="paths, folders or glob patterns below the site"
    )
    sheet: str | None = Field(default=None, min_length=1, description="the sheet of a workbook; none = the first")
    header_row: int = Field(default=1, ge=1, le=1_048_576, description="the row of a sheet that names the columns")
    sql: str | None = Field(default=None, description="a file with a DuckDB SELECT, below the site")
    inputs: tuple[str, ...] = Field(default=(), description="the files that the SELECT reads")
    database: EnvironmentUrl | None = Field(
        default=None, description='"env:NAME": the variable that holds an SQLAlchemy URL'
    )
    query: str | None = Field(default=None, min_length=1, description="the SELECT that the database answers")
    watermark: str | None = Field(
        default=None, min_length=1, description="the column that grows; needs :watermark in query"
    )
    watermark_start: str | int | datetime | date | None = Field(
        default=None, description="where the first run begins; a value of the watermark's type"
    )
    watermark_overlap: int = Field(
        default=1, ge=1, description="how far back each run reads again: seconds, days of a date, or units of a number"
    )
    mode: Literal["append", "upsert", "snapshot"] = "upsert"
    csv: CsvDialect = CsvDialect()
    columns: Mapping[str, str | ConstantColumn | ComputedColumn] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if sum(source is not None for source in (self.files, self.sql, self.database)) != 1:
            message = "exactly one of `files`, `sql` and `database`"
            raise ValueError(message)
        if self.inputs and self.sql is None:
            message = "`inputs` only together with `sql`"
            raise ValueError(message)
        self._require_keys_of_database()
        for name in (self.sql, *self.inputs):
            if name is not None and (Path(name).is_absolute() or ".." in Path(name).parts):
                message = f"`sql` and `inputs` below the site, not {name!r}"
                raise ValueError(message)
        if self._differs("sheet", "header_row") and not any(map(_may_be_workbooks, self.patterns)):
            message = "`sheet` and `header_row` only for workbooks (.xlsx); for text files there is csv.skip_rows"
            raise ValueError(message)
        return self

    def _require_keys_of_database(self) -> None:
        if self.database is None:
            for key in ("query", "watermark", "watermark_start", "watermark_overlap"):
                if self._differs(key):
                    message = f"`{key}` only together with `database`"
                    raise ValueError(message)
            return
        if self.query is None:
            message = "`query`, the SELECT that the database answers"
            raise ValueError(message)
        if self._differs("csv"):
            message = "no `csv` with a database: its values have types. Convert texts in the query"
            raise ValueError(message)
        if (self.watermark is None) == bool(_WATERMARK_PARAMETER.search(self.query)):
            message = "both or none: the key `watermark` with a column, and the parameter :watermark in `query`"
            raise ValueError(message)
        if self.watermark is None and self._differs("watermark_start", "watermark_overlap"):
            message = "`watermark_start` and `watermark_overlap` only together with `watermark`"
            raise ValueError(message)
        if self.watermark is not None and self.mode == "snapshot":
            message = "mode upsert or append with a `watermark`: what changed since is no full extract"
            raise ValueError(message)

    def _differs(self, *keys: str) -> bool:
        """Whether one of these keys has another value than its default; the ledger's copy of settings has all keys."""
        return any(getattr(self, key) != type(self).model_fields[key].default for key in keys)

    @property
    def patterns(self) -> tuple[str, ...]:
        """The glob patterns of `files`."""
        if self.files is None:
            return ()
        return (self.files,) if isinstance(self.files, str) else self.files

    @property
    def database_variable(self) -> str:
        """The environment variable that holds the database's URL; empty when there is no database."""
        return (self.database or "").removeprefix(_ENVIRONMENT)

    @property
    def mapping_hash(self) -> str:
        """Changes when the same source would be read differently."""
        kept = {"mode", "csv", "columns", "sheet", "header_row", "query", "watermark", "watermark_start"}
        reading = self.model_dump(mode="json", include=kept, exclude_defaults=True)
        return hashlib.sha256(json.dumps(reading, sort_keys=True).encode()).hexdigest()


class IngestSection(Section):
    """`[ingest]`: what a load accepts, and when it stops with a question."""

    reject_share: Exact = Field(
        default=Decimal("0.01"), ge=0, le=1, description="share of a load's rows that may be rejected"
    )
    shrink_ratio: Exact = Field(
        default=Decimal("0.5"), ge=0, le=1, description="share of the current rows that a snapshot may lose"
    )
    settle_seconds: int = Field(default=0, ge=0, description="files changed more recently are left for the next run")
    max_expansion_ratio: int = Field(
        default=100, ge=1, description="the most a compressed file may grow, times its size"
    )
    max_expanded_gigabytes: Exact = Field(default=Decimal(20), gt=0, description="the most a compressed file may hold")


class ReceivablesSection(Section):
    """`[receivables]`: ageing, days sales outstanding, credit and expected losses."""

    basis: Literal["due_date", "invoice_date"] = "due_date"
    buckets: tuple[Annotated[int, Field(gt=0)], ...] = Field(default=(30, 60, 90, 120), min_length=1)
    dso_window_months: int = Field(default=3, ge=1, le=36)
    apply_unapplied: Literal["no", "oldest_first"] = "no"
    credit_exposure: Literal["outstanding", "outstanding_and_open_orders"] = "outstanding"
    loss_rates: Mapping[str, Exact] | Literal["roll_rates"] | None = None

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
        if isinstance(self.loss_rates, Mapping):
            for bucket, rate in self.loss_rates.items():
                if bucket not in self.bucket_labels:
                    message = f"loss_rates names the bucket {bucket!r}; the buckets are {', '.join(self.bucket_labels)}"
                    raise ValueError(message)
                if not 0 <= rate <= 1:
                    message = f"loss_rates of {bucket!r} is a fraction from 0 to 1, not {rate}"
                    raise ValueError(message)
        return self


class RagThresholds(Section):
    """`rag = {…}`: the least variance ratio that is still green, and amber."""

    green: Exact = Decimal("-0.05")
    amber: Exact = Decimal("-0.10")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.amber > self.green:
            message = "amber at or below green"
            raise ValueError(message)
        return self


class VarianceSection(Section):
    """`[variance]`: what actual sales are, and how the bridge groups them."""

    actual: SalesBasis = "invoiced"
    mix_group: tuple[Literal["account_id", "product_line", "account_manager", "region"], ...] = ("account_id",)
    rag: RagThresholds = RagThresholds()
    plan_due: Mapping[str, date] = Field(
        default_factory=dict, description="plan version and the date by which it is to be submitted"
    )


class RatingRules(Section):
    """The rules of one customer's rating; `[rating]` holds the default ones."""

    weights: Mapping[Dimension, Exact] = Field(default_factory=lambda: dict(_DEFAULT_WEIGHTS))
    ppm_steps: tuple[tuple[Exact, Exact], ...] = Field(
        default=tuple(
            (Decimal(upper), Decimal(score))
            for upper, score in ((0, 100), (25, 90), (50, 80), (100, 60), (250, 40), (500, 20))
        ),
        description="pairs [highest ppm, score], ascending; above the last the score is 0",
    )
    bands: Mapping[str, Exact] = Field(
        default_factory=lambda: {"D": Decimal(50), "C": Decimal(70), "B": Decimal(85), "A": Decimal(100)},
        description="band and its highest score, ascending",
    )
    delivery_basis: DeliveryBasis = "promised"

    @field_validator("weights")
    @classmethod
    def _weights_add_up(cls, value: Mapping[str, Decimal]) -> Mapping[str, Decimal]:
        if sum(value.values()) != 100:  # noqa: PLR2004 - weights are points of a hundred
            message = f"weights that add up to 100, not {sum(value.values())}"
            raise ValueError(message)
        return value

    @field_validator("ppm_steps")
    @classmethod
    def _steps_ascend(cls, value: tuple[tuple[Decimal, Decimal], ...]) -> tuple[tuple[Decimal, Decimal], ...]:
        uppers = [upper for upper, _ in value]
        if uppers != sorted(set(uppers)):
            message = "pairs [highest ppm, score] with ascending ppm"
            raise ValueError(message)
        return value

    @field_validator("bands")
    @classmethod
    def _bands_ascend(cls, value: Mapping[str, Decimal]) -> Mapping[str, Decimal]:
        uppers = list(value.values())
        if uppers != sorted(set(uppers)) or not uppers or uppers[-1] < 100:  # noqa: PLR2004 - scores end at 100
            message = "bands in ascending order of their highest score, the last reaching 100"
            raise ValueError(message)
        return value


class RatingSection(RatingRules):
    """`[rating]`: the default rules and `[rating.accounts.<id>]`, what differs for one customer."""

    accounts: Mapping[str, Mapping[str, Any]] = Field(default_factory=dict)

    def rules_of(self, account_id: str | None) -> RatingRules:
        """The complete rules of an account: the defaults with its own on top."""
        merged = self.model_dump(exclude={"accounts"})
        return RatingRules.model_validate(merged | dict(self.accounts.get(account_id or "", {})))

    @model_validator(mode="after")
    def _overrides_are_rules(self) -> Self:
        for account_id, rules in self.accounts.items():
            unknown = set(rules) - set(RatingRules.model_fields)
            if unknown:
                message = f"accounts.{account_id}: one of {', '.join(RatingRules.model_fields)}, not {min(unknown)!r}"
                raise ValueError(message)
            self.rules_of(account_id)
        return self


class DeliverySection(Section):
    """`[delivery]`: the window in which a delivery is on time."""

    early_days: int | None = Field(default=None, ge=0, description="days early allowed; none = any")
    late_days: int = Field(default=0, ge=0)
    quantity_tolerance_ratio: Exact = Field(default=Decimal(0), ge=0, le=1)


class ForecastSection(Section):
    """`[forecast]`: the season of the naive forecasts, and what actual quantities are."""

    season: int = Field(default=12, ge=1, le=53)
    actual: SalesBasis | None = Field(default=None, description="as [variance] actual where not given")


class RunSection(Section):
    """`[run]`: how runs share the machine; no figure depends on it."""

    months_at_once: int = Field(
        default=24, ge=1, description="months that a backfill builds with one scan; fewer take less memory"
    )
    busy_timeout_seconds: int = Field(default=600, ge=0, description="how long a run waits for another one to finish")


class Correction(Section):
    """A source error and its right value, as `kam.corrections` reads an entry of `corrections.toml`.

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
    """`[checks."<rule>"]`: how gravely a site takes a rule, and where it draws the line."""

    severity: Literal["critical", "warning", "info", "off"] | None = Field(
        default=None, description="critical, warning, info or off; as the rule has it where not given"
    )
    threshold: Exact | None = Field(
        default=None, ge=0, description="what docs/rules.md says it is; as the rule has it where not given"
    )


class AlertChannel(Section):
    """`[alerts.channels.<name>]`: where messages go, and which."""

    url: EnvironmentUrl = Field(description='"env:NAME": the variable that holds an Apprise URL')
    events: tuple[AlertEvent, ...] = Field(default=ALERT_EVENTS, min_length=1)

    @property
    def url_variable(self) -> str:
        """The environment variable that holds the channel's URL."""
        return self.url.removeprefix(_ENVIRONMENT)


class AlertsSection(Section):
    """`[alerts]`: who is told what; no figure depends on it."""

    link: str | None = Field(
        default=None, pattern=r"^https?://[^\s@]+$", description="public address of the quality page"
    )
    channels: Mapping[Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")], AlertChannel] = Field(default_factory=dict)


class Settings(Section):
    """The whole of `kam.toml`, and the corrections in force."""

    site: SiteSection
    feeds: Mapping[str, FeedSource] = Field(default_factory=dict)
    ingest: IngestSection = IngestSection()
    run: RunSection = RunSection()
    receivables: ReceivablesSection = ReceivablesSection()
    variance: VarianceSection = VarianceSection()
    rating: RatingSection = RatingSection()
    delivery: DeliverySection = DeliverySection()
    forecast: ForecastSection = ForecastSection()
    checks: Mapping[str, CheckSettings] = Field(default_factory=dict)
    alerts: AlertsSection = AlertsSection()
    corrections: tuple[Correction, ...] = ()

    @property
    def available(self) -> Mapping[str, bool]:
        """What the models may need, and whether this site has it: each feed, and the two bases of actual sales."""
        declared = {name: name in self.feeds for name in FEEDS}
        return declared | {
            "actual_sales": SALES_FEEDS[self.variance.actual] in self.feeds,
            "actual_quantities": SALES_FEEDS[self.forecast.actual or self.variance.actual] in self.feeds,
        }

    def why_missing(self, need: str) -> str:
        """Why something that a model needs is not there, in words."""
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

    @property
    def definitions_hash(self) -> str:
        """Changes when the same rows would give other figures."""
        definitions = self._dumped(leave_out_of_site={"name", "timezone", "memory_limit"})
        for correction in definitions.get("corrections", ()):
            del correction["reason"], correction["owner"]
        return hashlib.sha256(json.dumps(definitions, sort_keys=True).encode()).hexdigest()

    def _dumped(self, *, leave_out_of_site: set[str]) -> dict[str, Any]:
        definitions = self.model_dump(mode="json", exclude=_NO_DEFINITION | {"site": leave_out_of_site})
        if not self.corrections:
            # So that sites that never had any keep the hash that their months were closed with.
            del definitions["corrections"]
        return definitions


class Site:
    """A folder with `kam.toml` and the data it speaks of."""

    def __init__(self, directory: Path, settings: Settings) -> None:
        """Remember the folder, made absolute, and its settings."""
        self.directory = directory.resolve()
        self.settings = settings

    @property
    def archive(self) -> Path:
        """Where the bytes of every loaded file are kept under their SHA-256."""
        return self.directory / "archive"

    @property
    def warehouse(self) -> Path:
        """The working DuckDB file; only kam-close opens it."""
        return self.directory / "warehouse.duckdb"

    @property
    def published(self) -> Path:
        """The folder that BI tools read."""
        return self.directory / "published"

    @property
    def checks(self) -> Path:
        """The folder of the site's own rules."""
        return self.directory / "checks"

    @property
    def scratch(self) -> Path:
        """Temporary files of running commands; may be deleted when none runs."""
        return self.directory / ".scratch"


def find_site(directory: Path | None) -> Site:
    """Open the site in `directory`, else the one `KAM_SITE` names, else the current folder.

    Raises `UsageError` when there is no such folder or no `kam.toml` in it, `SettingsError` when the file is wrong.
    """
    folder = directory or Path(os.environ.get(SITE_VARIABLE) or ".")
    if not folder.is_dir():
        message = f"{folder}: no such folder. Make a site there with: kam init {folder}"
        raise UsageError(message)
    if not (folder / SETTINGS_FILE).is_file():
        message = (
            f"{folder}: no {SETTINGS_FILE} in this folder. Name the site with --site DIR or {SITE_VARIABLE}, "
            f"or make one: kam init {folder}"
        )
        raise UsageError(message)
    return Site(folder, load_settings(folder))


def load_settings(directory: Path) -> Settings:
    """Read and validate `kam.toml` and `corrections.toml` of a site folder."""
    from kam.corrections import CORRECTIONS_FILE, read_corrections

    file = directory / SETTINGS_FILE
    document = read_toml(file)
    if "corrections" in document:
        message = f"{file}: corrections: expected in a file of their own, {CORRECTIONS_FILE}, beside this one"
        raise SettingsError(message)
    settings = validate_settings(document, file)
    return settings.model_copy(update={"corrections": read_corrections(directory / CORRECTIONS_FILE, settings)})


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
        raise SettingsError(explain(error, str(file))) from None
    _check_feed_names(settings, file)
    return settings


def require_feed(settings: Settings, feed: str) -> None:
    """Raise `UsageError` when the site does not declare this feed."""
    if feed not in settings.feeds:
        declared = ", ".join(settings.feeds) or "none"
        message = f"{feed}: no such feed in this site.{nearest(feed, list(settings.feeds))} Declared: {declared}"
        raise UsageError(message)


def _check_feed_names(settings: Settings, file: Path) -> None:
    for name, source in settings.feeds.items():
        if name not in FEEDS:
            message = f"{file}: [feeds.{name}]: no such feed.{nearest(name, list(FEEDS))} The feeds: {', '.join(FEEDS)}"
            raise SettingsError(message)
        known = FEEDS[name].column_names
        for column in source.columns:
            if column not in known:
                key = f"feeds.{name}.columns.{column}"
                message = f"{file}: {key}: the feed {name} has no such column.{nearest(column, known)}"
                raise SettingsError(message)


def explain(error: ValidationError, place: str, model: type[BaseModel] = Settings) -> str:
    """The first fault in one sentence; pydantic's own words are kept only where they help.

    `place` is the file or the entry in it that is named, `model` what describes it.
    """
    faults = error.errors(include_url=False)
    # A required key that is missing is most likely the one that is misspelt.
    fault = next((fault for fault in faults if fault["type"] == "extra_forbidden"), faults[0])
    path = [str(part) for part in fault["loc"]]
    key = ".".join(
        part
        for part in path
        if not re.search(r"[\[\(]|^(str|tuple|ConstantColumn|ComputedColumn|literal)|^(int|date|datetime)$", part)
    )
    if fault["type"] == "extra_forbidden":
        valid = _keys_beside(path, model)
        return f"{place}: {key}: unknown key.{nearest(path[-1], valid)} Valid here: {', '.join(valid)}"
    if fault["type"] == "missing":
        return f"{place}: {key}: missing. {_expectation(path, model)}".rstrip()
    reason = fault["msg"].removeprefix("Value error, ")
    expected = f"expected {reason}" if fault["type"] == "value_error" else reason[0].lower() + reason[1:]
    is_hidden = isinstance(fault["input"], dict | list) or fault["type"] == "secret" or _may_be_secret(path)
    given = "" if is_hidden else f" (it is {fault['input']!r})"
    return f"{place}: {key}: {expected}{given}"


def _may_be_secret(path: Sequence[str]) -> bool:
    """Whether the value of a key may be a URL with a password, put in the place of its variable's name."""
    return path[:2] == ["alerts", "channels"] and "events" not in path


def _section_at(path: Sequence[str], root: type[BaseModel]) -> type[BaseModel] | None:
    """The model that describes the table at `path` below `root`, walking through optional and mapping types."""
    model: type[BaseModel] | None = root
    annotation: Any = root
    for part in path:
        if model is not None and part in model.model_fields:
            annotation = model.model_fields[part].annotation
        elif get_origin(annotation) in (Mapping, dict) or "Mapping" in str(get_origin(annotation)):
            annotation = get_args(annotation)[1]
        model = _model_in(annotation)
    return model


def _model_in(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401 - a type annotation has no narrower type
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return None


def _keys_beside(path: Sequence[str], root: type[BaseModel]) -> list[str]:
    model = _section_at(path[:-1], root)
    names = list(model.model_fields) if model else []
    # They are in a file of their own.
    return [name for name in names if (model, name) != (Settings, "corrections")]


def _expectation(path: Sequence[str], root: type[BaseModel]) -> str:
    model = _section_at(path[:-1], root)
    field = model.model_fields.get(path[-1]) if model else None
    return f"Expected: {field.description}" if field and field.description else ""


def nearest(word: str, valid: Sequence[str]) -> str:
    """A sentence with the valid word that is most like this one; empty when none is."""
    close = difflib.get_close_matches(word, valid, n=1, cutoff=0.5)
    return f" Did you mean {close[0]!r}?" if close else ""
