"""A record's number is its place in the file, also in a file that several threads read."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import long
from tests.test_ingest import Books

# Enough for several threads to share the file.
ROWS = 300_000
FAULTY = 123_456

pytestmark = pytest.mark.usefixtures("every_core")


@pytest.mark.parametrize(
    "columns",
    [
        # Yes or no is read by a list of words, and DuckDB would make a join of it.
        'columns = { key_account = "flag" }',
        # And of a list of values in an expression of the site.
        pytest.param(
            """columns = { segment = { sql = "CASE WHEN kind IN ('a', 'b', 'c', 'd', 'e', 'f', 'g') THEN kind END" } }""",
            marks=long,
        ),
    ],
)
def test_records_of_a_large_file_keep_their_numbers(tmp_path: Path, columns: str) -> None:
    books = Books(tmp_path, "accounts", columns)
    lines = [f"A{number},{'y' * 60},yes,{'abcdefg'[number % 7]}" for number in range(1, ROWS + 1)]
    lines[FAULTY - 1] = f"A{FAULTY}\u200b,,no,a"
    books.put("a.csv", "\n".join(["account_id,account_name,flag,kind", *lines]) + "\n")

    (result,) = books.load()

    assert (result.message, result.rejected_count) == ("", 1)
    (reject,) = books.query("FROM staging.rejects")
    assert (reject["source_row"], reject["rule"]) == (FAULTY, "invisible")
    elsewhere = "FROM staging.accounts WHERE account_id <> 'A' || source_row"
    assert books.query(elsewhere) == []
