"""A site for one example: files are delivered to it, and after each load the books are audited."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from kam.ingest import LoadResult, ingest_feed
from kam.site import FEEDS, Feed, Site, validate_settings
from kam.warehouse import Connection, memory, prepare

Cells = Sequence[str | None]
Rows = list[tuple[Any, ...]]


@cache
def _warehouse() -> Connection:
    """One warehouse for all examples: to empty it costs less than to make another."""
    con = memory()
    con.execute("SET threads = 1")
    prepare(con, "EUR")
    return con


@contextmanager
def books(feed: str, **source: Any) -> Iterator[Books]:
    """Empty books with one feed, read from one file or from all files of the landing folder."""
    con = _warehouse()
    for table in ("ops.loads", "staging.rejects", f"staging.{feed}"):
        con.execute(f"DELETE FROM {table}")
    folder = Path(tempfile.mkdtemp(prefix="books-"))
    try:
        (folder / "landing").mkdir()
        yield Books(con, folder, FEEDS[feed], source)
    finally:
        shutil.rmtree(folder)


class Books:
    """The warehouse and folder of one example."""

    def __init__(self, con: Connection, folder: Path, feed: Feed, source: dict[str, Any]) -> None:
        self.con, self.feed = con, feed
        declared = {"files": "landing/*"} | source
        document = {"site": {"name": "Books"}, "feeds": {feed.name: declared}}
        self.site = Site(folder, validate_settings(document, folder / "kam.toml"))

    def deliver(self, content: bytes, name: str = "delivery.csv", *, accept_shrink: bool = False) -> LoadResult:
        """Put a file in the place of the one before, and load it. No exception may escape, whatever it contains."""
        for earlier in (self.site.directory / "landing").iterdir():
            earlier.unlink()
        (self.site.directory / "landing" / name).write_bytes(content)
        before = self._everything()
        found = ingest_feed(self.con, self.site, self.feed.name, accept_shrink=accept_shrink, accept_changes=True)
        (result,) = found
        self._audit(result)
        if result.status != "loaded":
            assert self._everything() == before, "a load that was refused, or not needed, changed the books"
        return result

    def core(self, as_of_load: int | None = None) -> Rows:
        """The feed's rows as known at a load, else now; without the load and record they came from, in a fixed order."""
        self.con.execute("SET VARIABLE as_of_load = ?", [as_of_load])
        names = ", ".join(self.feed.column_names)
        found = self.con.execute(f"SELECT {names} FROM core.{self.feed.name} ORDER BY ALL").fetchall()
        self.con.execute("RESET VARIABLE as_of_load")
        return found

    def loaded(self, load_id: int | None) -> dict[int, dict[str, Any]]:
        """The rows that a load brought, by record number."""
        found = self.con.execute(f"SELECT * FROM staging.{self.feed.name} WHERE load_id = ?", [load_id])
        names = [column[0] for column in found.description or ()]
        records = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
        return {record["source_row"]: record for record in records}

    def rejected(self, load_id: int | None) -> dict[int, dict[str, Any]]:
        """The source's own values of the rows that a load rejected, by record number."""
        found = self.con.execute("SELECT source_row, source FROM staging.rejects WHERE load_id = ?", [load_id])
        return {number: json.loads(source) for number, source in found.fetchall()}

    def _everything(self) -> tuple[Rows, Rows]:
        return (
            self.con.execute(f"FROM staging.{self.feed.name} ORDER BY ALL").fetchall(),
            self.con.execute("FROM staging.rejects ORDER BY ALL").fetchall(),
        )

    def _audit(self, result: LoadResult) -> None:
        """Read = loaded + unchanged + rejected, the tables say the same, and each key has one current row."""
        if result.status == "failed":
            assert result.message.startswith(f"{self.feed.name}: ")
            assert len(result.message.splitlines()) == 1, result.message
            return
        assert result.read_count == result.loaded_count + result.unchanged_count + result.rejected_count
        if result.status != "loaded":
            return
        counts = self.con.execute(
            f"""
            SELECT
                count(*) FILTER (load_id = $load),
                count(*) FILTER (superseded_load_id = $load),
                (SELECT count(DISTINCT source_row) FROM staging.rejects WHERE load_id = $load),
                count(*) FILTER (superseded_load_id IS NULL),
                (SELECT count(*) FROM core.{self.feed.name}),
                count(DISTINCT ({", ".join(self.feed.key)})) FILTER (superseded_load_id IS NULL)
            FROM staging.{self.feed.name}
            """,
            {"load": result.load_id},
        ).fetchall()[0]
        assert counts[:3] == (result.loaded_count, result.superseded_count, result.rejected_count)
        assert counts[3] == counts[4] == counts[5], "a key has more than one current row"
