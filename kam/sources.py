"""Where rows come from: the extracts of a site, and each as a relation that DuckDB reads.

An extract is one file, or one SELECT with the files it reads. Only archived bytes are read, so that what was loaded can
be read again.
"""

from __future__ import annotations

import glob
import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from kam.archive import archived, file_hash, store
from kam.contracts import FEEDS
from kam.errors import SourceRefusedError
from kam.settings import FeedSource, Site
from kam.textfiles import Relation, csv_relation
from kam.warehouse import Connection, literal, quoted


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
            file = _bytes_of(site, extract.files[0])
            yield csv_relation(file, source.csv, folder, f"{extract.feed}: {extract.source}")
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
