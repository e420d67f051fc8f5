"""Where rows come from: the extracts of a site, and each as a relation that DuckDB reads.

An extract is one file, or one SELECT with the files it reads. Only archived bytes are read, so that what was loaded can
be read again.
"""

from __future__ import annotations

import codecs
import csv
import glob
import gzip
import hashlib
import io
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import duckdb

from kam.archive import archived, file_hash, store
from kam.contracts import FEEDS
from kam.errors import SourceRefusedError
from kam.settings import CsvDialect, FeedSource, Site
from kam.warehouse import Connection, literal, quoted

_CHUNK = 1 << 20
_GZIP = b"\x1f\x8b"
_OTHER_FORMATS: Mapping[bytes, str] = {
    b"PK\x03\x04": "a ZIP archive or an Excel workbook",
    b"PAR1": "a Parquet file",
    b"\x28\xb5\x2f\xfd": "a Zstandard archive",
    b"%PDF": "a PDF document",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
}
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_LONGEST_FIELD = 16 * 1024 * 1024


@dataclass(frozen=True)
class SourceFile:
    """A file of an extract: its name as the site says it, where it lies, and the hash of its bytes."""

    name: str
    path: Path
    sha256: str


@dataclass(frozen=True)
class Extract:
    """One thing to load into one feed; `sha256` stands for all of its bytes."""

    feed: str
    source: str
    files: tuple[SourceFile, ...]
    sha256: str


@dataclass(frozen=True)
class Relation:
    """Rows that DuckDB can read: `sql` stands after FROM, `columns` maps names to DuckDB types."""

    sql: str
    columns: Mapping[str, str]


def extracts(site: Site, feed: str) -> list[Extract]:
    """What a feed has to offer now, in the order of the file names.

    Raises `SourceRefusedError` for a file that cannot be read and for a `sql` or `inputs` that is not there.
    """
    source = site.settings.feeds[feed]
    if source.sql is not None:
        return [_query(site, feed, source)]
    # Path.glob does not take the absolute patterns of a landing folder elsewhere.
    found_names = (glob.glob(pattern, root_dir=site.directory, recursive=True) for pattern in source.patterns)  # noqa: PTH207
    names = sorted({name for names in found_names for name in names})
    found = []
    for name in names:
        path = site.directory / name
        if path.is_file():
            sha256 = file_hash(path)
            found.append(Extract(feed, name, (SourceFile(name, path, sha256),), sha256))
    return found


def _query(site: Site, feed: str, source: FeedSource) -> Extract:
    names = (str(source.sql), *source.inputs)
    for name in names:
        if not (site.directory / name).is_file():
            message = f"{feed}: {site.directory / name}: no such file, named by feeds.{feed} in kam.toml"
            raise SourceRefusedError(message)
    files = tuple(SourceFile(name, site.directory / name, file_hash(site.directory / name)) for name in names)
    together = "\n".join(f"{file.name}\t{file.sha256}" for file in files)
    return Extract(feed, names[0], files, hashlib.sha256(together.encode()).hexdigest())


def archive(site: Site, extract: Extract) -> None:
    """Keep the bytes of all files of an extract."""
    for file in extract.files:
        store(site, file.path, file.sha256)


@contextmanager
def opened(con: Connection, site: Site, extract: Extract, source: FeedSource) -> Iterator[Relation]:
    """An extract's rows, read from the archive where it is there, else from the landing folder.

    Raises `SourceRefusedError` when the bytes are not what the settings say.
    """
    site.scratch.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=site.scratch, prefix="read-"))
    try:
        if source.sql is not None:
            yield _query_relation(con, site, extract, folder)
        else:
            yield _csv_relation(site, extract, source.csv, folder)
    finally:
        con.execute("DROP TABLE IF EXISTS temp.query_rows")
        con.execute("RESET file_search_path")
        shutil.rmtree(folder, ignore_errors=True)


def _bytes_of(site: Site, file: SourceFile) -> Path:
    kept = archived(site, file.sha256)
    return kept if kept.exists() else file.path


def _query_relation(con: Connection, site: Site, extract: Extract, folder: Path) -> Relation:
    """The SELECT sees exactly its declared inputs, under the names that the site gives them."""
    for file in extract.files[1:]:
        seen_as = folder / file.name
        seen_as.parent.mkdir(parents=True, exist_ok=True)
        seen_as.symlink_to(_bytes_of(site, file))
    text = _bytes_of(site, extract.files[0]).read_text(encoding="utf-8")
    con.execute(f"SET file_search_path = {literal(str(folder))}")
    try:
        statements = duckdb.extract_statements(text)
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            message = f"{extract.feed}: {extract.source}: expected one SELECT"
            raise SourceRefusedError(message)
        # Kept, because a second reading may give the rows in another order.
        con.execute(f"CREATE OR REPLACE TEMP TABLE query_rows AS\n{text}")
    except duckdb.Error as error:
        reason = str(error).splitlines()[0].replace(str(folder) + "/", "")
        hint = " Name every file that it reads in `inputs`" if "No files found" in reason else ""
        message = f"{extract.feed}: {extract.source}: {reason}{hint}"
        raise SourceRefusedError(message) from None
    described = con.execute("DESCRIBE temp.query_rows").fetchall()
    return Relation("temp.query_rows", {row[0]: row[1] for row in described})


def _csv_relation(site: Site, extract: Extract, dialect: CsvDialect, folder: Path) -> Relation:
    file = extract.files[0]
    kept = _bytes_of(site, file)
    where = f"{extract.feed}: {extract.source}"
    _refuse_other_formats(kept, dialect, where)
    text = _as_utf8(kept, dialect, folder, where)
    header = _header(text, dialect, where)
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in header)
    sql = (
        f"read_csv({literal(str(text))}, columns = {{{columns}}}, auto_detect = false, header = true, "
        f"skip = {dialect.skip_rows}, delim = {literal(dialect.delimiter)}, quote = {literal(dialect.quote)}, "
        f"escape = {literal(dialect.quote)}, max_line_size = {_LONGEST_FIELD})"
    )
    return Relation(sql, dict.fromkeys(header, "VARCHAR"))


def read_error(error: duckdb.Error, where: str) -> SourceRefusedError:
    """DuckDB's complaint about a text file as one line: the line of the file and what is wrong with it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    found = [
        line
        for line in lines
        if line.startswith(
            ("Expected Number", "Value with unterminated", "Maximum line size", "Invalid unicode", "Error when")
        )
    ]
    place = next((line.split("Error on ", 1)[1] for line in lines if "CSV Error on Line" in line), "")
    reason = found[0] if found else lines[0]
    message = (
        f"{where}: {place}{': ' if place else ''}{reason}. Is csv.delimiter or csv.quote right? Nothing was loaded"
    )
    return SourceRefusedError(message)


def _refuse_other_formats(file: Path, dialect: CsvDialect, where: str) -> None:
    with file.open("rb") as stream:
        start = stream.read(512)
    if not start:
        message = f"{where}: the file has zero bytes. Is the export complete?"
        raise SourceRefusedError(message)
    for mark, what in _OTHER_FORMATS.items():
        if start.startswith(mark):
            message = f"{where}: this is {what}, not a CSV file"
            raise SourceRefusedError(message)
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        message = f"{where}: this is a web page or XML, not a CSV file. Did the download fail?"
        raise SourceRefusedError(message)
    declares_utf16 = dialect.encoding.startswith(("utf-16", "utf-32"))
    if not declares_utf16 and (start.startswith(_UTF16_MARKS) or b"\x00" in start) and not start.startswith(_GZIP):
        message = f'{where}: this looks like UTF-16 text. Say so in kam.toml: csv = {{ encoding = "utf-16" }}'
        raise SourceRefusedError(message)


def _as_utf8(file: Path, dialect: CsvDialect, folder: Path, where: str) -> Path:
    """The file itself when it is plain UTF-8, else a decompressed and decoded copy in `folder`."""
    with file.open("rb") as stream:
        compressed = stream.read(2) == _GZIP
    if not compressed and dialect.encoding == "utf-8":
        return file
    copy = folder / "text.csv"
    try:
        with _opened(file, compressed=compressed) as source, copy.open("w", encoding="utf-8", newline="") as out:
            for text in _decoded(source, dialect.encoding):
                out.write(text)
    except UnicodeDecodeError as error:
        message = f"{where}: not {dialect.encoding} text ({error.reason} at byte {error.start} of a block). Set csv.encoding in kam.toml"
        raise SourceRefusedError(message) from None
    except UnicodeError as error:
        message = f"{where}: not {dialect.encoding} text ({error}). Set csv.encoding in kam.toml"
        raise SourceRefusedError(message) from None
    except (EOFError, gzip.BadGzipFile, OSError) as error:
        message = f"{where}: the compressed file is damaged or incomplete ({error}). Fetch it again"
        raise SourceRefusedError(message) from None
    return copy


def _opened(file: Path, *, compressed: bool) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(file, "rb")) if compressed else file.open("rb")


def _decoded(source: IO[bytes], encoding: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8-sig" if encoding == "utf-8" else encoding)()
    while chunk := source.read(_CHUNK):
        yield decoder.decode(chunk)
    yield decoder.decode(b"", final=True)


def _header(text: Path, dialect: CsvDialect, where: str) -> list[str]:
    try:
        with text.open(encoding="utf-8-sig", newline="") as stream:
            for _ in range(dialect.skip_rows):
                stream.readline(_LONGEST_FIELD)
            line = stream.readline(_LONGEST_FIELD)
    except UnicodeDecodeError as error:
        message = f"{where}: not UTF-8 text (byte {error.start}). Set csv.encoding in kam.toml, such as latin-1"
        raise SourceRefusedError(message) from None
    reader = csv.reader(io.StringIO(line), delimiter=dialect.delimiter, quotechar=dialect.quote)
    header = [name.strip() for name in next(reader, [])]
    if not any(header):
        message = f"{where}: no header line. The first line must name the columns (csv.skip_rows skips lines above it)"
        raise SourceRefusedError(message)
    seen: set[str] = set()
    for number, name in enumerate(header, start=1):
        if name.lower() in seen and name:
            message = f"{where}: two columns are called {name!r}. Each needs a name of its own"
            raise SourceRefusedError(message)
        seen.add(name.lower())
        header[number - 1] = name or f"column{number}"
    if len(header) == 1:
        _refuse_wrong_delimiter(header[0], dialect, where)
    return header


def _refuse_wrong_delimiter(only: str, dialect: CsvDialect, where: str) -> None:
    likely = next((mark for mark in ";\t|," if mark != dialect.delimiter and mark in only), None)
    if likely:
        shown = "\\t" if likely == "\t" else likely
        message = (
            f"{where}: the header has one column, {only[:60]!r}; it looks separated by {shown!r}. "
            f'Say so in kam.toml: csv = {{ delimiter = "{shown}" }}'
        )
        raise SourceRefusedError(message)


def missing_column(extract: Extract, column: str, wanted: str, relation: Relation) -> SourceRefusedError:
    """The error for a column that a source does not have; names what it has and how to map it."""
    required = column in FEEDS[extract.feed].required
    has = ", ".join(relation.columns)
    message = (
        f"{extract.feed}: {extract.source}: no column {wanted!r}"
        f"{f' for {column}' if wanted != column else ''}{', which is required' if required else ''}. The source has: {has}. "
        f'Map it in kam.toml: [feeds.{extract.feed}] columns = {{ {column} = "…" }}'
    )
    return SourceRefusedError(message)


def column_sql(name: str) -> str:
    """A source column inside a query."""
    return f"source.{quoted(name)}"
