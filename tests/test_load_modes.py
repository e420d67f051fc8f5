"""The two clocks: what a full extract ends, what it must not end, and what was known at each load in each mode."""

from __future__ import annotations

from pathlib import Path

import pytest

from kam.ingest import LoadResult
from kam.site import find_site
from kam.warehouse import warehouse
from tests.support import ingest, long

HEADER = "order_id,account_id,order_date,quantity\n"
Known = list[tuple[str, int]]


class Books:
    """A site with one feed of orders; each delivery is a text like `1:5 2:7`, orders with their quantities."""

    def __init__(self, folder: Path, mode: str, settings: str = "") -> None:
        self.folder = folder
        (folder / "landing").mkdir()
        text = f'[site]\nname = "Books"\n{settings}\n[feeds.orders]\nfiles = "landing/*.csv"\nmode = "{mode}"\n'
        (folder / "kam.toml").write_text(text, encoding="utf-8")

    def put(self, name: str, orders: str) -> None:
        lines = (f"{order.replace(':', ',A,2026-01-05,')}\n" for order in orders.split())
        (self.folder / "landing" / f"{name}.csv").write_text(HEADER + "".join(lines), encoding="utf-8")

    def load(self, *, accept_shrink: bool = False) -> list[LoadResult]:
        """What became of the files that were not loaded before."""
        site = find_site(self.folder)
        with warehouse(site) as con:
            results = ingest(con, site, accept_shrink=accept_shrink)
        return [result for result in results if result.status != "already loaded"]

    def deliver(self, name: str, orders: str) -> LoadResult:
        self.put(name, orders)
        (result,) = self.load()
        return result

    def known(self, at: int | None = None) -> Known:
        """Order and quantity of all rows as known at a load, else now."""
        with warehouse(find_site(self.folder)) as con:
            con.execute("SET VARIABLE as_of_load = ?", [at])
            found = con.execute("SELECT order_id, quantity::INTEGER FROM core.orders ORDER BY order_id").fetchall()
            con.execute("RESET VARIABLE as_of_load")
            return [(order, quantity) for order, quantity in found]


@pytest.fixture
def books(tmp_path: Path) -> Books:
    return Books(tmp_path, "snapshot")


@long
def test_a_snapshot_ends_what_vanished_and_a_row_that_reappears_is_a_new_version(books: Books) -> None:
    first = books.deliver("a", "1:5 2:7 3:9")
    second = books.deliver("b", "1:5 3:10")
    third = books.deliver("c", "1:5 2:7 3:10")
    assert (second.unchanged_count, second.loaded_count, second.superseded_count) == (1, 1, 2)
    assert (third.unchanged_count, third.loaded_count, third.superseded_count) == (2, 1, 0)
    assert books.known(first.load_id) == [("1", 5), ("2", 7), ("3", 9)]
    assert books.known(second.load_id) == [("1", 5), ("3", 10)]
    assert books.known(third.load_id) == books.known() == [("1", 5), ("2", 7), ("3", 10)]


@pytest.mark.parametrize("mode", ["upsert", "append"])
def test_other_modes_end_nothing_that_a_delivery_leaves_out(tmp_path: Path, mode: str) -> None:
    books = Books(tmp_path, mode)
    first = books.deliver("a", "1:5 2:7")
    second = books.deliver("b", "2:7 3:9")
    assert books.known(first.load_id) == [("1", 5), ("2", 7)]
    assert books.known(second.load_id) == [("1", 5), ("2", 7), ("3", 9)]


def test_what_was_known_before_the_first_load_is_nothing(books: Books) -> None:
    books.deliver("a", "1:5")
    assert books.known(0) == []


def test_later_files_of_one_run_correct_earlier_ones(tmp_path: Path) -> None:
    books = Books(tmp_path, "upsert")
    books.put("2026-01", "1:5 2:7")
    books.put("2026-01_correction", "2:8")
    books.put("2026-02", "3:9")
    assert [result.superseded_count for result in books.load()] == [0, 1, 0]
    assert books.known() == [("1", 5), ("2", 8), ("3", 9)]
    assert books.known(1) == [("1", 5), ("2", 7)]


def test_an_append_feed_keeps_its_first_content_at_every_load(tmp_path: Path) -> None:
    books = Books(tmp_path, "append")
    books.deliver("a", "1:5")
    result = books.deliver("b", "1:6 1:6 2:7")
    assert (result.loaded_count, result.unchanged_count, result.rejected_count) == (1, 0, 2)
    assert books.known() == [("1", 5), ("2", 7)]


@long
def test_a_snapshot_that_lost_most_of_its_rows_stops_with_a_question(books: Books) -> None:
    books.deliver("a", "1:5 2:7 3:9")
    refused = books.deliver("b", "1:6")
    assert refused.status == "failed"
    assert "lacks 2 of the 3 rows that are current (67%" in refused.message
    assert " ingest --feed orders --accept-shrink" in refused.message
    assert books.known() == [("1", 5), ("2", 7), ("3", 9)]
    (loaded,) = books.load(accept_shrink=True)
    assert (loaded.status, loaded.superseded_count) == ("loaded", 3)
    assert books.known() == [("1", 6)]


def test_a_snapshot_may_lose_half_of_its_rows(books: Books) -> None:
    books.deliver("a", "1:5 2:7")
    assert books.deliver("b", "1:5").status == "loaded"


def test_an_empty_snapshot_stops_with_a_question(books: Books) -> None:
    books.deliver("a", "1:5")
    assert "lacks 1 of the 1 rows" in books.deliver("b", "").message


def test_the_share_that_a_snapshot_may_lose_is_a_setting(tmp_path: Path) -> None:
    books = Books(tmp_path, "snapshot", "[ingest]\nshrink_ratio = 0.2")
    books.deliver("a", "1:5 2:7 3:9 4:1")
    assert "shrink_ratio allows 20%" in books.deliver("b", "1:5 2:7 3:9").message


def test_rows_that_a_snapshot_has_but_with_faults_are_not_lost(books: Books) -> None:
    books.deliver("a", "1:5 2:7 3:9")
    result = books.deliver("b", "1:x 2:x 3:x")
    assert (result.status, result.rejected_count) == ("loaded", 3)
    assert books.known() == [("1", 5), ("2", 7), ("3", 9)]


@long
def test_a_snapshot_equal_to_one_before_the_last_is_loaded(books: Books) -> None:
    books.deliver("a", "1:5 2:7")
    books.deliver("b", "1:5 2:8")
    books.deliver("c", "1:5 2:7")
    assert books.known() == [("1", 5), ("2", 7)]
    assert books.load() == []


@pytest.mark.parametrize("mode", ["upsert", "snapshot"])
def test_a_file_that_goes_back_to_earlier_content_is_loaded_again(tmp_path: Path, mode: str) -> None:
    books = Books(tmp_path, mode)
    for orders in ("1:5", "1:9", "1:5"):
        assert books.deliver("a", orders).status == "loaded"
    assert books.known() == [("1", 5)]


def test_an_older_snapshot_never_undoes_a_newer_one(books: Books) -> None:
    books.deliver("2026-02", "1:5 2:7")
    refused = books.deliver("2026-01", "1:4 2:6")
    assert refused.status == "failed"
    assert "older than landing/2026-02.csv" in refused.message
    assert books.known() == [("1", 5), ("2", 7)]


@long
def test_a_snapshot_that_was_refused_is_passed_over_once_a_newer_one_is_loaded(books: Books) -> None:
    books.deliver("a", "1:5 2:7 3:9")
    books.deliver("b", "1:5")
    books.put("c", "1:5 2:8 3:9")
    assert [result.status for result in books.load(accept_shrink=False)] == ["failed", "loaded"]
    (left,) = books.load(accept_shrink=True)
    assert left.status == "left"
    assert books.known() == [("1", 5), ("2", 8), ("3", 9)]


def test_equal_rows_without_line_numbers_match_by_their_occurrence(tmp_path: Path) -> None:
    books = Books(tmp_path, "upsert")
    books.deliver("a", "1:5 2:7")
    result = books.deliver("b", "1:6 1:6 2:7 2:7")
    assert (result.loaded_count, result.unchanged_count, result.superseded_count) == (3, 1, 1)
    assert books.known() == [("1", 6), ("1", 6), ("2", 7), ("2", 7)]


def lines(books: Books, name: str, text: str) -> LoadResult:
    """Deliver lines such as `1/1:5 1/2:7`, order, line and quantity."""
    rows = (f"{line.replace('/', ',').replace(':', ',A,2026-01-05,')}\n" for line in text.split())
    header = "order_id,line_no,account_id,order_date,quantity\n"
    (books.folder / "landing" / f"{name}.csv").write_text(header + "".join(rows), encoding="utf-8")
    (result,) = books.load()
    return result


def test_a_document_that_comes_again_ends_the_lines_that_it_lacks_and_no_other(tmp_path: Path) -> None:
    books = Books(tmp_path, "document")
    first = lines(books, "a", "1/1:5 1/2:7 2/1:9")
    second = lines(books, "b", "1/2:8")
    assert (second.loaded_count, second.superseded_count) == (1, 2)
    assert books.known(first.load_id) == [("1", 5), ("1", 7), ("2", 9)]
    assert books.known() == [("1", 8), ("2", 9)]
    # Under new numbers the lines replace the old ones: nothing counts twice, and nothing is asked.
    third = lines(books, "c", "1/3:8 1/4:1")
    assert (third.status, sorted(books.known())) == ("loaded", [("1", 1), ("1", 8), ("2", 9)])


def test_a_rejected_line_still_belongs_to_its_document(tmp_path: Path) -> None:
    books = Books(tmp_path, "document")
    lines(books, "a", "1/1:5 1/2:7 2/1:9")
    second = lines(books, "b", "1/1:6 1/2:many 2/1:many")
    assert (second.loaded_count, second.rejected_count, sorted(books.known())) == (1, 2, [("1", 6), ("1", 7), ("2", 9)])
