"""Text files as they come: each loads correctly, or is refused or rejected with a reason; never a wrong number."""

from __future__ import annotations

import codecs
import gzip
import json
import random
from contextlib import nullcontext
from decimal import Decimal
from pathlib import Path

import pytest
import zstandard

from kam.errors import SourceRefusedError
from kam.ingest.readers.compression import uncompressed
from kam.site import IngestSection, find_site
from kam.warehouse import rows, warehouse
from tests.support import ingest, long
from tests.test_ingest import Books, counts

HEADER = "order_id,account_id,order_date,quantity,region\n"
ONE, TWO, THREE = "1,A,2026-01-05,10,N\n", "2,A,2026-01-05,20,N\n", "3,A,2026-01-05,30,N\n"
GOOD = HEADER + ONE + TWO


@pytest.fixture
def books(tmp_path: Path) -> Books:
    return Books(tmp_path)


def zstd(content: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(content)


def quantities(books: Books) -> dict[str, Decimal]:
    return {row["order_id"]: row["quantity"] for row in books.core()}


LOADS = {
    "plain": GOOD.encode(),
    "CRLF line ends": GOOD.replace("\n", "\r\n").encode(),
    "CR line ends, as an old Macintosh writes them": GOOD.replace("\n", "\r").encode(),
    "CR, LF and CRLF in one file": (HEADER.replace("\n", "\r\n") + ONE.replace("\n", "\r") + TWO).encode(),
    "LF in the header, CRLF below": (HEADER + ONE.replace("\n", "\r\n") + TWO.replace("\n", "\r\n")).encode(),
    "no line end at the end": GOOD.rstrip("\n").encode(),
    "blank lines between and at the end": (HEADER + "\n" + ONE + "\n" + TWO + "\n\n   \n").encode(),
    "the end-of-file sign of MS-DOS": (GOOD + "\x1a").encode(),
    "a trailing delimiter in every row": (HEADER + ONE.replace("\n", ",\n") + TWO.replace("\n", ",\n")).encode(),
    "two trailing delimiters in one row": (HEADER + ONE + TWO.replace("\n", ",,\n")).encode(),
    "a trailing delimiter in the header too": GOOD.replace("\n", ",\n").encode(),
    "a byte-order mark": codecs.BOM_UTF8 + GOOD.encode(),
    "a byte-order mark before a quoted header": codecs.BOM_UTF8 + GOOD.replace("order_id", '"order_id"').encode(),
    "every cell quoted": ("".join('"' + line.replace(",", '","') + '"\n' for line in GOOD.splitlines())).encode(),
    "a blank line above the header": ("\n" + GOOD).encode(),
    "a line break in a header name": GOOD.replace("region", '"sales\narea"').encode(),
    "a quote within a cell that is not quoted": (HEADER + '1,A,2026-01-05,10,5" pipe\n' + TWO).encode(),
    "gzip": gzip.compress(GOOD.encode()),
    "gzip in two members": gzip.compress((HEADER + ONE).encode()) + gzip.compress(TWO.encode()),
    "gzip padded with zero bytes": gzip.compress(GOOD.encode()) + bytes(512),
    "Zstandard": zstd(GOOD.encode()),
    "Zstandard in two frames": zstd((HEADER + ONE).encode()) + zstd(TWO.encode()),
}


@pytest.mark.parametrize("content", LOADS.values(), ids=LOADS)
def test_a_file_that_can_be_read_loads_correctly(books: Books, content: bytes) -> None:
    books.put("a.csv", content)
    (result,) = books.load()
    assert (result.status, result.message) == ("loaded", "")
    assert counts(result) == (2, 2, 0, 0)
    assert quantities(books) == {"1": 10, "2": 20}


REFUSED = {
    "zero bytes": (b"", ["zero bytes"]),
    "gzip of zero bytes": (gzip.compress(b""), ["holds zero bytes"]),
    "truncated gzip": (gzip.compress(GOOD.encode())[:-12], ["damaged or incomplete"]),
    "gzip without its check sum": (gzip.compress(GOOD.encode())[:-8], ["damaged or incomplete"]),
    "damaged gzip": (gzip.compress(GOOD.encode())[:30] + b"\xff" * 60, ["damaged or incomplete"]),
    "gzip with something else behind it": (gzip.compress(GOOD.encode()) + b"junk", ["damaged or incomplete"]),
    "truncated Zstandard": (zstd(GOOD.encode())[:-6], ["damaged or incomplete"]),
    "Zstandard cut between two blocks": (zstd(random.Random(1).randbytes(300_000))[:131_090], ["damaged"]),  # noqa: S311
    "damaged Zstandard": (zstd(GOOD.encode())[:8] + b"\xff" * 40, ["damaged or incomplete"]),
    "a zip bomb": (gzip.compress(bytes(1 << 20) * 70), ["expand", "ingest.max_expansion_ratio"]),
    "a Zstandard bomb": (zstd(bytes(1 << 20) * 70), ["expand", "ingest.max_expansion_ratio"]),
    "a web page": (b"  <!DOCTYPE html><html><body>Login</body></html>", ["web page"]),
    "a web page in gzip": (gzip.compress(b"<html><body>Login</body></html>"), ["web page"]),
    "a JSON error message": (b'{"error": "unauthorised"}', ["JSON"]),
    "an Excel workbook": (b"PK\x03\x04 and so on", ["Excel workbook"]),
    "Latin-1": ((HEADER + "1,Müller,2026-01-05,10,N\n").encode("latin-1"), ["not UTF-8", "csv.encoding"]),
    "UTF-16": (GOOD.encode("utf-16"), ["UTF-16", 'encoding = "utf-16"']),
    "UTF-16 without a byte-order mark": (GOOD.encode("utf-16-le"), ["UTF-16", 'encoding = "utf-16"']),
    "a NUL byte": ((HEADER + "1,A\0B,2026-01-05,10,N\n").encode(), ["NUL byte at position 50"]),
    "NUL bytes at the end": (GOOD.encode() + bytes(4096), ["NUL byte"]),
    "duplicate headers": (GOOD.replace("region", "Quantity").encode(), ["two columns are called 'Quantity'"]),
    "a quote in the header never closed": (
        GOOD.replace("region", '"region').encode(),
        ["in the header", "never closed"],
    ),
    "another delimiter": (GOOD.replace(",", ";").encode(), ["delimiter", "';'"]),
    "no record that fits": ((HEADER + "1,A\n2,B\n").encode(), ["none of its 2 records", "2 cells", "names 5"]),
}


@pytest.mark.parametrize(("content", "words"), REFUSED.values(), ids=REFUSED)
def test_a_file_that_cannot_be_read_is_refused_with_a_reason(books: Books, content: bytes, words: list[str]) -> None:
    books.put("a.csv", content)
    message = books.refusal()
    assert message.startswith("orders: landing/a.csv: ")
    for word in words:
        assert word in message


BAD_RECORDS = {
    "too few cells": ("2,A,2026-01-05", "ragged", "3 cells where the header names 5"),
    "too many cells": ("2,A,2026-01-05,1,234,N", "ragged", "6 cells where the header names 5"),
    "text after a closing quote": ('2,"A"x,2026-01-05,20,N', "quotes", "text follows a closing quote"),
    "a backslash before a quote": ('2,"A\\"x",2026-01-05,20,N', "quotes", "text follows a closing quote"),
    "a quote never closed": ('2,"A,2026-01-05,20,N', "quotes", "never closed"),
    "a quote that the next quoted cell would close": ('2,"A,2026-01-05,20,N', "quotes", "text follows a closing quote"),
}


@pytest.mark.parametrize(("line", "rule", "words"), BAD_RECORDS.values(), ids=BAD_RECORDS)
def test_a_bad_record_is_rejected_and_the_others_load(books: Books, line: str, rule: str, words: str) -> None:
    last = '3,"A",2026-01-05,30,N\n' if words == "text follows a closing quote" else THREE
    books.put("a.csv", HEADER + ONE + line + "\n" + last + "4,A,soon,40,N\n")
    (result,) = books.load()
    assert counts(result) == (4, 2, 0, 2)
    assert quantities(books) == {"1": 10, "3": 30}
    record, other = books.query("FROM staging.rejects ORDER BY source_row")
    assert (record["source_row"], record["rule"], record["value"], record["column_name"]) == (2, rule, line, "")
    assert words in record["message"]
    assert json.loads(record["source"])["order_id"] == "2"
    # The record number of the next reject counts the bad record too.
    assert (other["source_row"], other["rule"], other["column_name"]) == (4, "type", "order_date")


def test_a_cell_over_several_lines_is_one_record_even_beside_a_bad_one(books: Books) -> None:
    books.put("a.csv", HEADER + '1,A,2026-01-05,10,"two\nlines, ""quoted"""\n2,A\n' + THREE)
    assert counts(books.load()[0]) == (3, 2, 0, 1)
    assert [row["region"] for row in books.core()] == ['two\nlines, "quoted"', "N"]
    assert [row["source_row"] for row in books.query("FROM staging.rejects")] == [2]


@long
@pytest.mark.parametrize("second", [TWO, "2,A\n"], ids=["strict reader", "second look"])
def test_ten_megabytes_in_one_cell_load(books: Books, second: str) -> None:
    long = 'a line "" with quotes\n' * (10 * 1024 * 1024 // 22)
    books.put("a.csv", HEADER + f'1,A,2026-01-05,10,"{long}"\n' + second + THREE)
    assert books.load()[0].read_count == 3
    assert books.core()[0]["region"] == long.replace('""', '"').strip()
    assert quantities(books)["3"] == 30


def test_a_blank_line_in_a_file_of_one_column_is_no_record_and_an_empty_cell_is_one(site_folder: Path) -> None:
    (site_folder / "kam.toml").write_text('[site]\nname = "Books"\n[feeds.accounts]\nfiles = "landing/*.csv"\n')
    (site_folder / "landing").mkdir()
    (site_folder / "landing" / "a.csv").write_text('account_id\nA\n\n""\n\n"B"\n\n')
    site = find_site(site_folder)
    with warehouse(site) as con:
        (result,) = ingest(con, site)
        found = rows(con, "SELECT account_id, source_row FROM core.accounts ORDER BY ALL")
    assert counts(result) == (3, 2, 0, 1)
    assert found == [{"account_id": "A", "source_row": 1}, {"account_id": "B", "source_row": 3}]


@long
@pytest.mark.usefixtures("every_core")
def test_lines_in_quoted_cells_are_no_records_wherever_threads_start_to_read(books: Books) -> None:
    """A thread that begins inside the long cell finds lines that look like records."""
    inner = "8,B,2026-01-05,1,N\n" * 500_000
    good = "".join(f"a{number},A,2026-01-05,1,N\n" for number in range(2000))
    cell = f'{{}},A,2026-01-05,1,"{inner}"\n'
    books.put("a.csv", HEADER + "".join(cell.format(name) + good.replace("a", name) for name in "xyzuvw"))
    assert counts(books.load()[0]) == (12_006, 12_006, 0, 0)
    assert books.query("SELECT sum(quantity) AS total FROM core.orders")[0]["total"] == 12_006


def test_a_line_without_an_end_is_refused(books: Books) -> None:
    books.put("a.csv", HEADER + ONE + "x" * (22 * 1024 * 1024))
    assert "a line longer than 16 MB" in books.refusal()


def test_quotes_may_be_switched_off(books: Books) -> None:
    books.configure('csv = { quote = "" }')
    books.put("a.csv", HEADER + '1,"A,2026-01-05,10,5" pipe\n')
    assert counts(books.load()[0]) == (1, 1, 0, 0)
    assert books.core()[0]["account_id"] == '"A'


def test_lines_above_the_header_are_skipped(books: Books) -> None:
    books.configure("csv = { skip_rows = 2 }")
    books.put("a.csv", 'Orders of "January\n\n' + GOOD)
    books.load()
    assert quantities(books) == {"1": 10, "2": 20}


@pytest.mark.parametrize(
    ("encoding", "written", "words"),
    [
        ("latin-1", "utf-8", ["every letter beyond ASCII", '"utf-8"']),
        ("latin-1", "utf-8-sig", ["byte-order mark of UTF-8"]),
        ("latin-1", "cp1252", ['"cp1252"']),
        ("ascii", "latin-1", ["not ascii text"]),
        ("utf-16", "ascii", ["not utf-16 text"]),
    ],
)
def test_a_wrong_encoding_is_refused_with_a_hint(books: Books, encoding: str, written: str, words: list[str]) -> None:
    books.configure(f'csv = {{ encoding = "{encoding}" }}')
    name = "Mu" if written == "ascii" else "M€ß" if written == "cp1252" else "Müß"
    books.put("a.csv", (HEADER + f"1,{name},2026-01-05,10,N\n").encode(written))
    message = books.refusal()
    for word in words:
        assert word in message


def test_the_limits_on_expansion_are_settings(books: Books) -> None:
    text = (books.folder / "kam.toml").read_text()
    (books.folder / "kam.toml").write_text("[ingest]\nmax_expanded_gigabytes = 0.000001\n" + text)
    books.put("a.csv", gzip.compress((GOOD * 100).encode()))
    assert "0.000001 GB" in books.refusal()


@pytest.mark.parametrize(("size", "refused"), [(1_000, False), (1_001, True)])
def test_a_gigabyte_of_a_compressed_file_is_a_thousand_million_bytes(tmp_path: Path, size: int, refused: bool) -> None:
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(bytes(size)))
    limits = IngestSection(max_expanded_gigabytes="0.000001")
    with pytest.raises(SourceRefusedError) if refused else nullcontext():
        uncompressed(tmp_path / "a.csv.gz", tmp_path, "orders: a.csv.gz", limits)


def test_a_header_without_rows_is_an_empty_load_also_on_the_second_look(books: Books) -> None:
    books.put("a.csv", "\r\n" + HEADER)
    (result,) = books.load()
    assert (result.status, *counts(result)) == ("loaded", 0, 0, 0, 0)


@pytest.mark.parametrize("name", ["source_row", "record", "rowid", "given_order_id", "faults", "source", "record_rule"])
def test_a_column_may_have_any_name(books: Books, name: str) -> None:
    books.put("a.csv", HEADER.replace("region", name) + "1,,2026-01-05,10,its own\n2,A\n" + THREE)
    assert counts(books.load()[0]) == (3, 1, 0, 2)
    required = books.query("FROM staging.rejects WHERE rule = 'required'")
    assert [row["source_row"] for row in required] == [1]
    assert json.loads(required[0]["source"])[name] == "its own"
