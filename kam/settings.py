"""A site's settings: `kam.toml`, read once and validated.

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
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

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
SALES_FEEDS: Mapping[SalesBasis, str] = {"invoiced": "invoices", "ordered": "orders"}


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
    quote: str = Field(default='"', min_length=1, max_length=1)
    encoding: str = "utf-8"
    decimal: str = Field(default=".", min_length=1, max_length=1)
    thousands: str = Field(default="", max_length=1)
    date_format: str | tuple[str, ...] = Field(default="", description="strptime format; empty = ISO 8601")
    null_values: tuple[str, ...] = Field(default=(), description="texts that mean an empty cell")
    skip_rows: int = Field(default=0, ge=0, description="lines above the header")

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str) -> str:
        import codecs

        try:
            return codecs.lookup(value).name
        except LookupError:
            message = f"an encoding such as utf-8, latin-1 or utf-16, not {value!r}"
            raise ValueError(message) from None

    @model_validator(mode="after")
    def _separators_differ(self) -> Self:
        if self.thousands == self.decimal:
            message = f"decimal and thousands are both {self.decimal!r}"
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


class FeedSource(Section):
    """`[feeds.<name>]`: where a feed comes from and how its columns are called there."""

    files: str | tuple[str, ...] | None = Field(default=None, description="paths or glob patterns below the site")
    sql: str | None = Field(default=None, description="a file with a DuckDB SELECT, below the site")
    inputs: tuple[str, ...] = Field(default=(), description="the files that the SELECT reads")
    mode: Literal["append", "upsert", "snapshot"] = "upsert"
    csv: CsvDialect = CsvDialect()
    columns: Mapping[str, str | ConstantColumn | ComputedColumn] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.files is None) == (self.sql is None):
            message = "exactly one of `files` and `sql`"
            raise ValueError(message)
        if self.inputs and self.sql is None:
            message = "`inputs` only together with `sql`"
            raise ValueError(message)
        return self

    @property
    def patterns(self) -> tuple[str, ...]:
        """The glob patterns of `files`."""
        if self.files is None:
            return ()
        return (self.files,) if isinstance(self.files, str) else self.files

    @property
    def mapping_hash(self) -> str:
        """Changes when the same bytes would be read differently."""
        reading = self.model_dump(mode="json", include={"mode", "csv", "columns"})
        return hashlib.sha256(json.dumps(reading, sort_keys=True).encode()).hexdigest()


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


class Settings(Section):
    """The whole of `kam.toml`."""

    site: SiteSection
    feeds: Mapping[str, FeedSource] = Field(default_factory=dict)
    receivables: ReceivablesSection = ReceivablesSection()
    variance: VarianceSection = VarianceSection()
    rating: RatingSection = RatingSection()
    delivery: DeliverySection = DeliverySection()
    forecast: ForecastSection = ForecastSection()

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
            return f'the feed {SALES_FEEDS[self.variance.actual]} is not declared, and [variance] actual is "{self.variance.actual}"'
        if need == "actual_quantities":
            actual = self.forecast.actual or self.variance.actual
            return f'the feed {SALES_FEEDS[actual]} is not declared, and actual sales are taken as "{actual}"'
        return f"the feed {need} is not declared"

    @property
    def definitions_hash(self) -> str:
        """Changes when the same rows would give other figures."""
        definitions = self.model_dump(
            mode="json", exclude={"feeds": True, "site": {"name", "timezone", "memory_limit"}}
        )
        return hashlib.sha256(json.dumps(definitions, sort_keys=True).encode()).hexdigest()


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
        message = f"{folder}: no {SETTINGS_FILE} in this folder. Name the site with --site DIR or {SITE_VARIABLE}, or make one: kam init {folder}"
        raise UsageError(message)
    return Site(folder, load_settings(folder))


def load_settings(directory: Path) -> Settings:
    """Read and validate `kam.toml` of a site folder."""
    file = directory / SETTINGS_FILE
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        message = f"{file}: not valid TOML: {error}"
        raise SettingsError(message) from None
    except UnicodeDecodeError as error:
        message = f"{file}: not UTF-8 text (byte {error.start}). Save it as UTF-8"
        raise SettingsError(message) from None
    return validate_settings(document, file)


def validate_settings(document: Mapping[str, Any], file: Path) -> Settings:
    """Settings from a parsed document; `file` is named in errors."""
    try:
        settings = Settings.model_validate(document)
    except ValidationError as error:
        raise SettingsError(_explain(error, file)) from None
    _check_feed_names(settings, file)
    return settings


def require_feed(settings: Settings, feed: str) -> None:
    """Raise `UsageError` when the site does not declare this feed."""
    if feed not in settings.feeds:
        declared = ", ".join(settings.feeds) or "none"
        message = f"{feed}: no such feed in this site.{_nearest(feed, list(settings.feeds))} Declared: {declared}"
        raise UsageError(message)


def _check_feed_names(settings: Settings, file: Path) -> None:
    for name, source in settings.feeds.items():
        if name not in FEEDS:
            message = (
                f"{file}: [feeds.{name}]: no such feed.{_nearest(name, list(FEEDS))} The feeds: {', '.join(FEEDS)}"
            )
            raise SettingsError(message)
        known = FEEDS[name].column_names
        for column in source.columns:
            if column not in known:
                message = f"{file}: feeds.{name}.columns.{column}: the feed {name} has no such column.{_nearest(column, known)}"
                raise SettingsError(message)


def _explain(error: ValidationError, file: Path) -> str:
    """The first fault in one sentence; pydantic's own words are kept only where they help."""
    fault = error.errors(include_url=False)[0]
    path = [str(part) for part in fault["loc"]]
    key = ".".join(
        part for part in path if not re.search(r"[\[\(]|^(str|tuple|ConstantColumn|ComputedColumn|literal)", part)
    )
    if fault["type"] == "extra_forbidden":
        valid = _keys_beside(path)
        return f"{file}: {key}: unknown key.{_nearest(path[-1], valid)} Valid here: {', '.join(valid)}"
    if fault["type"] == "missing":
        return f"{file}: {key}: missing. {_expectation(path)}".rstrip()
    reason = fault["msg"].removeprefix("Value error, ")
    expected = f"expected {reason}" if fault["type"] == "value_error" else reason[0].lower() + reason[1:]
    given = "" if isinstance(fault["input"], dict | list) else f" (it is {fault['input']!r})"
    return f"{file}: {key}: {expected}{given}"


def _section_at(path: Sequence[str]) -> type[BaseModel] | None:
    """The model that describes the table at `path`, walking through optional and mapping types."""
    model: type[BaseModel] | None = Settings
    annotation: Any = Settings
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


def _keys_beside(path: Sequence[str]) -> list[str]:
    model = _section_at(path[:-1])
    return list(model.model_fields) if model else []


def _expectation(path: Sequence[str]) -> str:
    model = _section_at(path[:-1])
    field = model.model_fields.get(path[-1]) if model else None
    return f"Expected: {field.description}" if field and field.description else ""


def _nearest(word: str, valid: Sequence[str]) -> str:
    close = difflib.get_close_matches(word, valid, n=1, cutoff=0.5)
    return f" Did you mean {close[0]!r}?" if close else ""
