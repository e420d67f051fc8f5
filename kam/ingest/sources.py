"""Where rows come from: the extracts of a site, and each as a relation that DuckDB reads.

An extract is one file, one SELECT with the files it reads, or the answer of a database. Only archived bytes are read,
so that what was loaded can be read again.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from kam.archive import archived, fetched, file_hash, keep, put_away, take_in
from kam.errors import MissingColumnError, SourceRefusedError, out_of_memory
from kam.ingest.landing import LandedFile, landed_files
from kam.ingest.readers import (
    Relation,
    csv_relation,
    extracted,
    ndjson_relation,
    parquet_relation,
    query_relation,
    read_error,
)
from kam.site import FEEDS, WORKBOOK_ENDINGS, FeedSource, Site, scratch_folder
from kam.warehouse import Connection, quoted

_TEXT_ENDINGS = (".csv", ".txt", ".tsv", ".tab", ".dat", ".asc")
_PARQUET_ENDINGS = (".parquet", ".pq")
_NDJSON_ENDINGS = (".ndjson", ".jsonl")
# Programs also give this ending to text.
_OLD_WORKBOOK = ".xls"
_INSTEAD: Mapping[str, str] = {
    _OLD_WORKBOOK: ". Save the workbook as .xlsx",
    ".xlsb": ". Save the workbook as .xlsx",
    ".ods": ". Save the workbook as .xlsx",
    ".zip": ". Unpack it",
    ".json": ". A file with one object per line is .ndjson",
}
_COMPRESSED_ENDINGS = (".gz", ".zst", ".zstd")
_FIRST_BYTES = 1024
_OLD_WORKBOOK_MARKS = (
    b"\xd0\xcf\x11\xe0",
    b"\x09\x00\x04\x00",
    b"\x09\x02\x06\x00",
    b"\x09\x04\x06\x00",
    b"\x09\x08\x10\x00",
)


@dataclass(frozen=True)
class SourceFile:
    """A file of an extract: its name as the site says it, where it lies, and the hash of its bytes."""

    name: str
    path: Path
    sha256: str


@dataclass(frozen=True)
class Extract:
    """One thing to load into one feed; `sha256` stands for all of its bytes.

    `refusal` says why it cannot be loaded at all, `left` why it is left for the next run; nothing is read then.
    `watermark` is the highest value of a database's watermark column, as `kam.databases` writes it. `is_archived` says
    that its bytes were archived in the pass that hashed them. `reading` says how it is read where that is not as the site declares the feed.
    """

    feed: str
    source: str
    files: tuple[SourceFile, ...]
    sha256: str
    refusal: str = ""
    left: str = ""
    watermark: str | None = None
    is_archived: bool = False
    reading: FeedSource | None = None


@contextmanager
def offered(
    con: Connection, site: Site, feed: str, *, row_limit: int | None = None, known_sizes: AbstractSet[int] | None = None
) -> Iterator[list[Extract]]:
    """What a feed has to offer now: files in their order, or what a database gives since the last load.

    With the sizes of all that was loaded or refused, a file of another size, which is new, is archived in the pass that hashes it.

    The answer of a database, of at most `row_limit` rows, lies in the scratch folder while the context is open. Raises
    `SourceRefusedError` for a database that cannot be read and for a `sql` or `inputs` that is not there.
    """
    source = site.settings.feeds[feed]
    if source.database is None:
        taken: set[str] = set()
        found = extracts(site, feed, file_hash if known_sizes is None else _take_in_new(site, known_sizes, taken))
        yield [replace(extract, is_archived=extract.sha256 in taken) for extract in found]
        return
    with scratch_folder(site, "extract-") as folder:
        answer = extracted(con, feed, source, folder, check_command=site.command("check"), row_limit=row_limit)
        if answer is None:
            yield []
            return
        name = str(source.database)
        file = SourceFile(name, answer.file, file_hash(answer.file))
        yield [Extract(feed, name, (file,), file.sha256, watermark=answer.watermark)]


def _take_in_new(site: Site, known_sizes: AbstractSet[int], taken: set[str]) -> Callable[[Path], str]:
    """Hash a file; one whose size no load of the feed had is new, archived in the same pass, and added to `taken`."""

    def hashed(path: Path) -> str:
        if path.stat().st_size in known_sizes:
            return file_hash(path)
        taken.add(sha256 := take_in(site, path))
        return sha256

    return hashed


def extracts(site: Site, feed: str, hashed: Callable[[Path], str] = file_hash) -> list[Extract]:
    """The files, or the SELECT over files, that a feed has to offer now."""
    source = site.settings.feeds[feed]
    if source.sql is not None:
        return [_query(site, feed, source)]
    files = landed_files(site, source.patterns, hashed, file_date=source.file_date, month_names=source.csv.month_names)
    return [_file_extract(feed, file) for file in files]


def _file_extract(feed: str, file: LandedFile) -> Extract:
    if file.left:
        return Extract(feed, file.name, (), "", left=f"{feed}: {file.left}")
    refusal = file.refusal or _unknown_format(file.name, file.path)
    if refusal:
        return _refused(feed, file.name, refusal)
    return Extract(feed, file.name, (SourceFile(file.name, file.path, file.sha256),), file.sha256)


def _refused(feed: str, name: str, refusal: str) -> Extract:
    # Stands for bytes that were not read: the same refusal is listed once.
    identity = hashlib.sha256(f"{name}\n{refusal}".encode()).hexdigest()
    return Extract(feed, name, (), identity, refusal=f"{feed}: {refusal}")


def _query(site: Site, feed: str, source: FeedSource) -> Extract:
    """A SELECT with the files that its `inputs` name now: one more of them makes it another extract."""
    select = str(source.sql)
    named = {pattern: list(landed_files(site, [pattern])) for pattern in (select, *source.inputs)}
    if absent := [str(site.directory / pattern) for pattern, files in named.items() if not files]:
        message = f"{feed}: {', '.join(absent)}: no such file, named by feeds.{feed} in kam.toml"
        raise SourceRefusedError(message)
    found = {file.name: file for files in named.values() for file in files}
    refusal = next((file.refusal for file in found.values() if file.refusal), "")
    if refusal:
        return _refused(feed, select, refusal)
    left = next((file.left for file in found.values() if file.left), "")
    files = tuple(SourceFile(file.name, file.path, file.sha256) for file in found.values())
    together = "\n".join(f"{file.name}\t{file.sha256}" for file in files)
    sha256 = hashlib.sha256(together.encode()).hexdigest()
    return Extract(feed, select, files, sha256, left=f"{feed}: {left}" if left else "")


def made_here(feed: str, name: str, file: Path) -> Extract:
    """A CSV file that kam itself made for a feed, with the feed's own column names; the macro `is_made_here` knows its source."""
    sha256 = file_hash(file)
    source = f"kam {name}"
    return Extract(feed, source, (SourceFile(file.name, file, sha256),), sha256, reading=FeedSource(files=source))


def archive(site: Site, extract: Extract) -> None:
    """Keep the bytes of all files of an extract."""
    for file in extract.files:
        if extract.is_archived:
            put_away(site, file.sha256)
        else:
            keep(site, file.path, file.sha256)


@contextmanager
def opened(con: Connection, site: Site, extract: Extract, source: FeedSource) -> Iterator[Relation]:
    """An extract's rows, read from the archive where it is there, else from where it was found.

    Raises `SourceRefusedError` when the bytes are not what the settings or the file's name say.
    """
    with scratch_folder(site, "read-") as folder:
        try:
            yield _relation(con, site, extract, source, folder)
        finally:
            con.execute("DROP TABLE IF EXISTS temp.query_rows")


def unreadable(error: duckdb.Error, extract: Extract, source: FeedSource, columns: int) -> SourceRefusedError:
    """DuckDB's complaint about an extract of so many columns, met while its rows are read, as one line."""
    where = f"{extract.feed}: {extract.source}"
    if out_of_memory(error):
        return too_wide(where, columns)
    if source.files is not None and is_text(extract.files[0].name):
        return read_error(error, where)
    reason = str(error).splitlines()[0]
    message = f"{where}: damaged, or not what its name says ({reason}). Nothing was loaded"
    return SourceRefusedError(message)


def too_wide(where: str, columns: int) -> SourceRefusedError:
    """What is said of an extract whose rows do not fit into memory, because they have so many columns."""
    message = f"{where}: its {columns:,} columns take more memory than [site] memory_limit allows. Export fewer columns, or raise the limit. Nothing was loaded"
    return SourceRefusedError(message)


def _relation(con: Connection, site: Site, extract: Extract, source: FeedSource, folder: Path) -> Relation:
    if source.sql is not None:
        return _query_relation(con, site, extract, folder)
    where = f"{extract.feed}: {extract.source}"
    file = _bytes_of(site, extract.files[0])
    name = _stem(extract.files[0].name)
    limits = site.settings.ingest
    if source.database is not None or name.endswith(_PARQUET_ENDINGS):
        return parquet_relation(con, file, limits, where)
    if name.endswith(WORKBOOK_ENDINGS):
        from kam.ingest.readers.workbooks import sheet_relation

        return sheet_relation(file, source, folder, limits, where)
    if name.endswith(_NDJSON_ENDINGS):
        return ndjson_relation(con, file, source.csv, folder, limits, where)
    return csv_relation(file, source.csv, folder, where, limits)


def is_text(name: str) -> bool:
    """Whether a file of this name is read as delimited text."""
    return _stem(name).endswith((*_TEXT_ENDINGS, _OLD_WORKBOOK))


def _stem(name: str) -> str:
    """A file's name in small letters without what says how it is compressed."""
    name = name.lower()
    ending = next((ending for ending in _COMPRESSED_ENDINGS if name.endswith(ending)), "")
    return name.removesuffix(ending)


def _unknown_format(name: str, path: Path) -> str:
    """Why a file's name and its first bytes do not say how to read it; empty when they do."""
    whole = (*_PARQUET_ENDINGS, *WORKBOOK_ENDINGS)
    if _stem(name).endswith((*_TEXT_ENDINGS, *_NDJSON_ENDINGS)) or name.lower().endswith(whole):
        return ""
    if name.lower().endswith(_OLD_WORKBOOK):
        return _why_no_text(name, path)
    known = " ".join((*_TEXT_ENDINGS[:2], *_NDJSON_ENDINGS, *whole))
    hint = next((hint for ending, hint in _INSTEAD.items() if name.lower().endswith(ending)), "")
    return f"{name}: the ending does not say what is in it. Known endings: {known}; the text formats also with .gz or .zst{hint}"


def _why_no_text(name: str, path: Path) -> str:
    """Why a file that is called a workbook of the old kind is not the text that many programs export under that name."""
    try:
        with path.open("rb") as stream:
            start = stream.read(_FIRST_BYTES)
    except OSError as error:
        return f"{name}: cannot be read: {error.strerror}"
    if start.startswith(_OLD_WORKBOOK_MARKS):
        return f"{name}: a workbook of the old kind{_INSTEAD[_OLD_WORKBOOK]}"
    if start.startswith(b"PK\x03\x04"):
        return f"{name}: a workbook of the new kind under an old name. Rename it to .xlsx"
    # Without what UTF-16 and byte-order marks add.
    if re.match(rb"(?:\xff\xfe|\xfe\xff|\xef\xbb\xbf)?\s*<[!?a-z]", start.replace(b"\0", b""), re.IGNORECASE):
        return f"{name}: a web page or XML, not a workbook. Open it in a spreadsheet program and save it as .xlsx, or have the program export text (.csv)"
    return ""


def _bytes_of(site: Site, file: SourceFile) -> Path:
    kept = archived(site, file.sha256)
    if kept.exists() or file.path == kept:  # what is loaded again may be on another machine
        return fetched(site, file.sha256)
    return file.path


def _query_relation(con: Connection, site: Site, extract: Extract, folder: Path) -> Relation:
    """The SELECT sees exactly its declared inputs, under the names that the site gives them."""
    where = f"{extract.feed}: {extract.source}"
    try:
        text = _bytes_of(site, extract.files[0]).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        message = f"{where}: not UTF-8 text (byte {error.start}). Save it as UTF-8"
        raise SourceRefusedError(message) from None
    inputs = {file.name: _bytes_of(site, file) for file in extract.files[1:]}
    return query_relation(con, text, inputs, folder, site.settings.site.memory_limit, where)


def missing_columns(extract: Extract, missing: Mapping[str, str], relation: Relation) -> MissingColumnError:
    """The error for columns of a feed and the source columns that are not there; names what there is and how to map it."""
    required = FEEDS[extract.feed].required
    mark = " (required)" if len(missing) > 1 else ", which is required"
    named = ", ".join(
        f"{wanted!r}{f' for {column}' if wanted != column else ''}{mark if column in required else ''}"
        for column, wanted in missing.items()
    )
    mapping = ", ".join(f'{column} = "…"' for column in missing)
    message = (
        f"{extract.feed}: {extract.source}: no column{'s' if len(missing) > 1 else ''} {named}. "
        f"The source has: {', '.join(relation.columns)}. "
        f"Map {'them' if len(missing) > 1 else 'it'} in kam.toml: [feeds.{extract.feed}] columns = {{ {mapping} }}"
    )
    return MissingColumnError(message)


def column_sql(name: str) -> str:
    """A source column inside a query."""
    return f"source.{quoted(name)}"
