"""`[feeds.<name>]`: where a feed comes from, how it is written and what its columns are called there."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Literal, Self

from pydantic import (
    Field,
    field_validator,
    model_validator,
)

from kam.site.file_dates import require_file_date
from kam.site.section import ENVIRONMENT_PREFIX, EnvironmentUrl, Section

UTC = "UTC"
WORKBOOK_ENDINGS = (".xlsx", ".xlsm")
# As SQLAlchemy finds a parameter: not the `::` of a cast, not the colon in a word or after a backslash.
_WATERMARK_PARAMETER = re.compile(r"(?<![:\w\\]):watermark\b(?!:)")


@cache
def _zones() -> frozenset[str]:
    """The IANA time zones of this machine; to list them takes as long as to load a small file."""
    import zoneinfo

    return frozenset(zoneinfo.available_timezones())


def known_zone(value: str) -> str:
    """An IANA time zone. Raises `ValueError` for any other text."""
    if value not in _zones():
        message = f"an IANA time zone such as Europe/Berlin, not {value!r}"
        raise ValueError(message)
    return value


class CsvDialect(Section):
    """`csv = {…}`: how a text file is written. Nothing here is guessed."""

    delimiter: str = Field(default=",", min_length=1, max_length=1, description="what separates cells")
    quote: str = Field(default='"', max_length=1, description="empty = cells are never quoted")
    encoding: str = Field(default="utf-8", description="any of Python's names, such as cp1252, latin-1 or utf-16")
    decimal: str = Field(default=".", min_length=1, max_length=1, description="the decimal separator of numbers")
    thousands: str = Field(default="", max_length=1, description="the thousands separator of numbers; empty = none")
    date_format: str | tuple[str, ...] = Field(
        default="", description='strptime format, or "excel" for serial day numbers; empty = ISO 8601'
    )
    null_values: tuple[str, ...] = Field(default=(), description="texts that mean an empty cell")
    true_values: tuple[str, ...] = Field(default=(), description="texts that mean yes, in place of true, yes, 1")
    false_values: tuple[str, ...] = Field(default=(), description="texts that mean no, in place of false, no, 0")
    currency_signs: tuple[str, ...] = Field(
        default=(), description="signs and codes that an amount may have, such as € or EUR"
    )
    negative_marks: tuple[str, ...] = Field(
        default=(), description="texts beside an amount that mean minus, such as CR in a list of receivables"
    )
    positive_marks: tuple[str, ...] = Field(default=(), description="texts beside an amount that mean plus, such as DR")
    month_names: str = Field(
        default="", description="language of the months in %b and %B, such as de or es; empty = English"
    )
    skip_rows: int = Field(default=0, ge=0, description="lines above the header")

    @field_validator("month_names")
    @classmethod
    def _known_language(cls, value: str) -> str:
        from babel import Locale, UnknownLocaleError

        try:
            return str(Locale.parse(value)) if value else value
        except (UnknownLocaleError, ValueError):
            message = f"a language such as de, es or pt_BR, not {value!r}"
            raise ValueError(message) from None

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

    @model_validator(mode="after")
    def _plus_is_not_minus(self) -> Self:
        if {mark.lower() for mark in self.negative_marks} & {mark.lower() for mark in self.positive_marks}:
            message = "negative_marks and positive_marks without a text in common"
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

    value: str | int | float | bool = Field(description="the value")


class ComputedColumn(Section):
    """`{ sql = … }`: a DuckDB expression over the source's columns."""

    sql: str = Field(min_length=1, description="the expression")


class Unpivot(Section):
    """`unpivot = {…}`: columns of a file whose names are values, such as one column a month."""

    columns: str | tuple[str, ...] = Field(
        min_length=1, description='these columns, by names or patterns such as "* 2026"; each filled cell becomes a row'
    )
    without: str | tuple[str, ...] = Field(
        default=(), description="columns beside them that are left out, such as totals; names or patterns"
    )
    name: str = Field(min_length=1, description="the column that gets their names")
    value: str = Field(min_length=1, description="the column that gets their cells")

    @model_validator(mode="after")
    def _two_columns(self) -> Self:
        if self.name.lower() == self.value.lower():
            message = f"name and value that differ, not {self.name!r} twice"
            raise ValueError(message)
        return self


def _may_be_workbooks(pattern: str) -> bool:
    """Whether a pattern can name a workbook: by its ending, or because it has none, such as a folder or `*`."""
    ending = Path(pattern).suffix.lower()
    return ending in WORKBOOK_ENDINGS or not ending or "*" in ending or "?" in ending


class FeedSource(Section):
    """`[feeds.<name>]`: where a feed comes from and what its columns are called there."""

    files: str | tuple[str, ...] | None = Field(
        default=None, description="paths, folders or glob patterns below the site"
    )
    file_date: str | None = Field(
        default=None,
        description="form of the date in the names, such as %d%m%Y, by which files are ordered; empty = the names hold no date; none = by "
        "their names, and a question where dates in them say another order",
    )
    sheet: str | tuple[str, ...] | None = Field(
        default=None,
        min_length=1,
        description='the sheets of a workbook, by names or patterns such as "2026-*"; none = the first',
    )
    header_row: int = Field(default=1, ge=1, le=1_048_576, description="the row of a sheet that names the columns")
    where: str | None = Field(
        default=None,
        min_length=1,
        description="a DuckDB condition over the source's columns; records for which it is false are left out",
    )
    skip_footer: int = Field(default=0, ge=0, description="records at the end of each file that are left out")
    unpivot: Unpivot | None = Field(
        default=None, description="for files with one column a month or other value: which columns they are"
    )
    sql: str | None = Field(default=None, description="a file with a DuckDB SELECT, below the site")
    inputs: tuple[str, ...] = Field(
        default=(),
        description="the files that the SELECT reads: names, folders or patterns such as `landing/plan/*.csv`",
    )
    database: EnvironmentUrl | None = Field(
        default=None, description='"env:NAME": the variable that holds an SQLAlchemy URL'
    )
    query: str | None = Field(default=None, min_length=1, description="the SELECT that the database answers")
    query_file: str | None = Field(
        default=None, min_length=1, description="in place of `query`: the file with that SELECT, below the site"
    )
    watermark: str | None = Field(
        default=None, min_length=1, description="the column that grows; needs :watermark in query"
    )
    watermark_start: str | int | datetime | date | None = Field(
        default=None, description="where the first run begins; a value of the watermark's type"
    )
    watermark_overlap: int = Field(
        default=1, ge=1, description="how far back each run reads again: seconds, days of a date, or units of a number"
    )
    mode: Literal["append", "upsert", "patch", "document", "snapshot"] = Field(
        default="upsert",
        description="what a load does with keys that were loaded before, and with keys that are missing; patch = as upsert, but "
        "columns that a file does not have keep their values; document = as upsert, but a document comes with all of its lines: "
        "those that it lacks end",
    )
    key: tuple[str, ...] = Field(
        default=(),
        description="columns that tell documents of one number apart, such as fiscal_year; their values become a part of the number",
    )
    csv: CsvDialect = Field(default=CsvDialect(), description="how texts are written")
    columns: Mapping[str, str | ConstantColumn | ComputedColumn] = Field(
        default_factory=dict,
        description='column of the feed and where it comes from: a source column, "source_row", {value = …} or {sql = …}',
    )
    sign: Literal["type", "amount"] = Field(
        default="type",
        description='"type": amounts of credit notes and refunds are positive, their type says what they are; "amount": '
        "they are negative in the source",
    )
    timezone: str | None = Field(
        default=None, description="zone whose day a time with an offset from UTC belongs to; none = the site's"
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if sum(source is not None for source in (self.files, self.sql, self.database)) != 1:
            message = "exactly one of `files`, `sql` and `database`"
            raise ValueError(message)
        if self.inputs and self.sql is None:
            message = "`inputs` only together with `sql`"
            raise ValueError(message)
        if self.files is None and self.file_date is not None:
            message = "`file_date` only together with `files`"
            raise ValueError(message)
        if self.files is None and self._differs("where", "skip_footer", "unpivot"):
            message = "`where`, `skip_footer` and `unpivot` only together with `files`; a SELECT has a WHERE and an UNPIVOT of its own"
            raise ValueError(message)
        self._require_keys_of_database()
        for name in (self.sql, self.query_file, *self.inputs):
            if name is not None and (Path(name).is_absolute() or ".." in Path(name).parts):
                message = f"`sql`, `inputs` and `query_file` below the site, not {name!r}"
                raise ValueError(message)
        if self._differs("sheet", "header_row") and not self.takes_workbooks:
            message = "`sheet` and `header_row` only for workbooks (.xlsx); for text files there is csv.skip_rows"
            raise ValueError(message)
        return self

    def _require_keys_of_database(self) -> None:
        if self.database is None:
            for key in ("query", "query_file", "watermark", "watermark_start", "watermark_overlap"):
                if self._differs(key):
                    message = f"`{key}` only together with `database`"
                    raise ValueError(message)
            return
        if self.query is None:
            message = "`query` or `query_file`, the SELECT that the database answers"
            raise ValueError(message)
        if self._differs("csv"):
            message = "no `csv` with a database: its values have types. Convert texts in the query"
            raise ValueError(message)
        if (self.watermark is None) == bool(_WATERMARK_PARAMETER.search(self.query)):
            message = "both or none: the key `watermark` with a column, and the parameter :watermark in the query"
            raise ValueError(message)
        if self.watermark is None and self._differs("watermark_start", "watermark_overlap"):
            message = "`watermark_start` and `watermark_overlap` only together with `watermark`"
            raise ValueError(message)
        if self.watermark is not None and self.mode == "snapshot":
            message = "mode upsert, document or append with a `watermark`: what changed since is not a full extract"
            raise ValueError(message)

    def _differs(self, *keys: str) -> bool:
        """Whether one of these keys has another value than its default; the ledger's copy of settings has all keys."""
        return any(getattr(self, key) != type(self).model_fields[key].default for key in keys)

    @field_validator("key")
    @classmethod
    def _names_of_columns(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
                message = (
                    f"names such as fiscal_year, not {name!r}; under `columns` they get the name that the source has"
                )
                raise ValueError(message)
        return value

    @field_validator("file_date")
    @classmethod
    def _form_of_a_date(cls, value: str | None) -> str | None:
        return require_file_date(value) if value else value

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        return value if value is None else known_zone(value)

    @property
    def patterns(self) -> tuple[str, ...]:
        """The glob patterns of `files`."""
        if self.files is None:
            return ()
        return (self.files,) if isinstance(self.files, str) else self.files

    @property
    def takes_workbooks(self) -> bool:
        """Whether a file of the feed can be a workbook."""
        return any(map(_may_be_workbooks, self.patterns))

    @property
    def takes_others(self) -> bool:
        """Whether a file of the feed can be anything else than a workbook; the rows of a SELECT are no workbook."""
        return not self.patterns or any(not name.lower().endswith(WORKBOOK_ENDINGS) for name in self.patterns)

    @property
    def database_variable(self) -> str:
        """The environment variable that holds the database's URL; empty when there is no database."""
        return (self.database or "").removeprefix(ENVIRONMENT_PREFIX)

    @property
    def mapping_hash(self) -> str:
        """Changes when the same source would be read differently, or in another order."""
        kept = {
            "mode",
            "key",
            "file_date",
            "csv",
            "columns",
            "sheet",
            "header_row",
            "where",
            "skip_footer",
            "unpivot",
            "query",
            "watermark",
            "watermark_start",
            "sign",
            "timezone",
        }
        reading = self.model_dump(mode="json", include=kept, exclude_defaults=True)
        if not self.file_date:
            reading.pop("file_date", None)
        if self.timezone == UTC:
            # So that sites in UTC keep the hash that their files were loaded with.
            del reading["timezone"]
        return hashlib.sha256(json.dumps(reading, sort_keys=True).encode()).hexdigest()
