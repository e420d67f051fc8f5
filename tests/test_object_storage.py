"""A lake whose data files are in S3-compatible storage gives what a file gives; the storage is moto's server."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from kam.audit import maintain, migrate, rebuild, verify
from kam.close import PLAIN, BuiltChunk, Run, Steps, Terms, chunks, close_months, steps, workers
from kam.errors import KamError, SettingsError, WarehouseAwayError, is_of_storage
from kam.site import FEEDS, Site, find_site
from kam.warehouse import open_read_only, rows, store_of, stored, warehouse, writing
from kam.warehouse.lake_data import explained
from tests.cli import kam
from tests.object_storage import ObjectStorage, object_storage  # noqa: F401 - a fixture
from tests.postgresql import PostgreSql, postgresql  # noqa: F401 - a fixture
from tests.support import REPOSITORY, close_plainly, long, published, write_csv, write_site

pytest.importorskip("duckdb_extension_ducklake")
pytest.importorskip("duckdb_extension_httpfs")
pytest.importorskip("duckdb_extension_postgres_scanner")

APRIL, MAY = date(2026, 4, 1), date(2026, 5, 1)
# More rows than DuckLake keeps in its catalog, so that they are written to the storage.
INVOICES: list[dict[str, Any]] = [
    {"invoice_id": f"I{number}", "account_id": "AB"[number % 2], "invoice_date": "2026-04-10", "net_amount": number}
    for number in range(1, 41)
]
LATER: list[dict[str, Any]] = [
    row | {"invoice_id": f"L{row['net_amount']}", "invoice_date": "2026-05-10"} for row in INVOICES
]
VERSIONS = "SELECT period_month, close_version, content_hash FROM reporting.closes ORDER BY ALL"


@pytest.fixture
def environment(
    postgresql: PostgreSql,  # noqa: F811
    object_storage: ObjectStorage,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> pytest.MonkeyPatch:
    """The variables of an empty database and of the storage."""
    for name, value in {"KAM_CATALOG": postgresql.new_database(), **object_storage.variables()}.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def lake_in(folder: Path, place: str) -> Site:
    """A site with extracts of April, whose lake has its data files there."""
    settings = {"warehouse": {"kind": "ducklake", "catalog": "env:KAM_CATALOG", "data": place}}
    return write_site(folder, {"invoices": INVOICES}, settings=settings, feeds=["invoices"])


def load(site: Site) -> None:
    with steps.writing_session(site, "ingest"):
        steps.load_feed(site, "invoices")


def write(site: Site, storage: ObjectStorage | None = None) -> None:
    """Change two tables in one transaction; the storage goes away in between."""
    with writing(site, "close"), warehouse(site) as con, stored(con):
        con.execute("INSERT INTO staging.invoices SELECT * FROM staging.invoices")
        if storage:
            storage.stop()
        con.execute("INSERT INTO ops.steps (run_id) SELECT 'half' FROM range(100)")


@pytest.mark.usefixtures("environment")
def test_rows_are_in_s3_and_a_storage_that_is_away_is_exit_status_5_and_keeps_nothing_half_done(
    object_storage: ObjectStorage,  # noqa: F811
    site_folder: Path,
) -> None:
    bucket = object_storage.new_bucket()
    site = lake_in(site_folder, f"s3://{bucket}/kam")
    load(site)
    assert [name.rpartition("/")[0] for name in object_storage.files(bucket)] == ["kam/1", "kam/1/staging/invoices"]
    assert not (site_folder / "lake").exists()
    said = f"s3://{bucket}/kam: cannot be reached: Could not connect to server. What was committed stays"
    try:
        with pytest.raises(WarehouseAwayError, match=said):
            write(site, object_storage)
        done = kam("--site", site_folder, "ingest")
        assert (done.returncode, said in done.stderr) == (5, True)
        assert "Canary" not in done.stderr
        with pytest.raises(WarehouseAwayError, match=said):
            rebuild(site)
    finally:
        object_storage.start()
    with open_read_only(site) as con:
        assert con.execute("SELECT count(*), sum(net_amount) FROM staging.invoices").fetchall() == [(40, 820)]
        assert con.execute("SELECT count(*) FROM ops.steps WHERE run_id = 'half'").fetchall() == [(0,)]

    lost = next(name for name in object_storage.files(bucket) if name.endswith(".parquet"))
    object_storage.client().delete_object(Bucket=bucket, Key=lost)
    with (
        pytest.raises(KamError, match=rf"{lost}: is missing. Restore it .* rebuild --force") as raised,
        open_read_only(site) as con,
    ):
        con.execute("SELECT sum(net_amount) FROM staging.invoices").fetchall()
    assert raised.value.exit_code == 1


@pytest.mark.parametrize(
    ("place", "variables", "may", "said"),
    [
        ("BUCKET/kam", {"AWS_SECRET_ACCESS_KEY": ""}, None, "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set"),
        ("no-such-bucket", {}, None, "there is no such bucket"),
        ("BUCKET/kam", {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, None, "cannot be reached: Could not connect"),
        (
            "BUCKET/kam",
            {"AWS_ACCESS_KEY_ID": "nobody"},
            [],
            "refused: InvalidAccessKeyId: .*rights to list, read, write",
        ),
        ("BUCKET/kam", {}, ["s3:GetObject", "s3:ListBucket"], "refused: AccessDenied: Access Denied"),
        ("BUCKET/kam", {}, ["s3:GetObject", "s3:PutObject"], "refused: AccessDenied: Access Denied"),
    ],
)
def test_what_is_wrong_with_the_storage_is_exit_status_5_before_a_lake_is_made(
    environment: pytest.MonkeyPatch,
    object_storage: ObjectStorage,  # noqa: F811
    site_folder: Path,
    place: str,
    variables: Mapping[str, str],
    may: list[str] | None,
    said: str,
) -> None:
    site = lake_in(site_folder, f"s3://{place.replace('BUCKET', object_storage.new_bucket())}")
    for name, value in {**(object_storage.user_who_may(may) if may else {}), **variables}.items():
        environment.setenv(name, value)
    object_storage.look_at_rights(wanted=may is not None)
    try:
        with pytest.raises(WarehouseAwayError, match=said) as raised, writing(site, "close"):
            pytest.fail("opened")
    finally:
        object_storage.look_at_rights(wanted=False)
    assert raised.value.exit_code == 5
    assert "Canary" not in str(raised.value)
    # Another place may be named then.
    for name, value in object_storage.variables().items():
        environment.setenv(name, value)
    assert not store_of(site).exists()


@pytest.mark.parametrize(
    "place", ["s3://", "s3://books/*", "s3://reader:Canary@books/kam", "gs://books/kam", "s3://B/k"]
)
def test_a_place_that_is_none_is_refused(site_folder: Path, place: str) -> None:
    with pytest.raises(SettingsError, match=r'warehouse.data: .*"s3://BUCKET/PLACE"') as raised:
        lake_in(site_folder, place)
    assert "Canary" not in str(raised.value)


# As DuckDB 1.5.5 told it of servers that answered so.
@pytest.mark.parametrize(
    ("text", "exit_code", "said"),
    [
        (
            "HTTP Error: Request returned HTTP 503 for HTTP PUT to 'http://127.0.0.1:1/books/kam/1/kam.csv'",
            5,
            "s3://books/kam: cannot be reached: HTTP 503. What was committed stays",
        ),
        (
            "HTTP Error: HTTP GET error reading 's3://books/kam/1/kam.csv' in region '' (HTTP 301 Moved Permanently)",
            5,
            "s3://books/kam: refused: HTTP 301. AWS_REGION has to be the region of the bucket",
        ),
        (
            "HTTP Error: HTTP GET error reading 's3://a' in region '' (HTTP 400 Bad Request)\n\nExpiredToken: Ended.\n\nBad Request - this can be",
            5,
            "s3://books/kam: refused: ExpiredToken: Ended. The key in AWS_ACCESS_KEY_ID has to be",
        ),
        (
            "IO Error: Problem with the SSL CA cert (path? access rights?) error for HTTP GET to 'https://storage.example/books/'",
            5,
            "s3://books/kam: cannot be reached: Problem with the SSL CA cert (path? access rights?). What",
        ),
        (
            "IO Error: Failed to get files scheduled for deletion from DuckLake: Could not connect to server error for HTTP GET to 'http://h/'",
            5,
            "s3://books/kam: cannot be reached: Could not connect to server. What",
        ),
        (
            "HTTP Error: HTTP GET error reading 'http://127.0.0.1:1/books/kam/1/x.parquet' in region 'a' (HTTP 404 Not Found)",
            1,
            "http://127.0.0.1:1/books/kam/1/x.parquet: is missing. Restore it",
        ),
        (
            "HTTP Error: HTTP GET error reading 's3://books/kam/1' in region '' (HTTP 404 Not Found)",
            5,
            "no such bucket",
        ),
        (
            "HTTP Error: HTTP GET error reading 'http://h/books/kam/1/x.parquet' in region '' (HTTP 404 Not Found)\n\nNoSuchBucket: None.",
            5,
            "s3://books/kam: there is no such bucket. What was committed stays",
        ),
        ("Conversion Error: Could not convert string 'HTTP Error: HTTP 503' to INT32", 0, ""),
    ],
)
def test_what_the_storage_answers_is_told_with_what_to_do(
    site_folder: Path, text: str, exit_code: int, said: str
) -> None:
    error = explained(lake_in(site_folder, "s3://books/kam"), duckdb.Error(text))
    assert (error.exit_code if error else 0) == exit_code
    assert said in str(error or "")
    assert is_of_storage(duckdb.Error(text)) == bool(exit_code)


@long
@pytest.mark.usefixtures("environment")
def test_a_site_moves_to_s3_goes_on_there_and_moves_back(
    object_storage: ObjectStorage,  # noqa: F811
    site_folder: Path,
    tmp_path: Path,
) -> None:
    (tmp_path / "other").mkdir()
    site, other = (
        write_site(folder, {"invoices": INVOICES}, feeds=["invoices"]) for folder in (site_folder, tmp_path / "other")
    )
    bucket = object_storage.new_bucket()
    # A lake of somebody else is in that place.
    object_storage.client().put_object(Bucket=bucket, Key="kam/1/staging/invoices/theirs.parquet", Body=b"theirs")
    for one in (site, other):
        close_plainly(one, [APRIL])
    migrate(site, "ducklake", catalog_variable="KAM_CATALOG", data=f"s3://{bucket}/kam")
    site = find_site(site_folder)
    for one in (site, other):
        write_csv(one.directory / "landing" / "invoices_05.csv", FEEDS["invoices"].column_names, LATER)
        close_plainly(one, [MAY])
    versions = published(other, VERSIONS)
    assert published(site, VERSIONS) == versions
    assert [proof.holds for proof in verify(site)] == [True, True]

    # A worker in a process of its own.
    read = (
        "import sys, pathlib\nfrom kam.site import find_site\nfrom kam.warehouse import open_for_worker\n"
        "with open_for_worker(find_site(pathlib.Path(sys.argv[1]))) as con:\n"
        "    print(con.execute('SELECT sum(net_amount) FROM staging.invoices').fetchall()[0][0])"
    )
    done = subprocess.run([sys.executable, "-c", read, site_folder], cwd=REPOSITORY, check=True, stdout=subprocess.PIPE)
    assert float(done.stdout) == 2 * sum(row["net_amount"] for row in INVOICES)

    object_storage.client().put_object(Bucket=bucket, Key="kam/2/staging/orphan.parquet", Body=b"half")
    assert maintain(site, kept_states=timedelta(0), kept_files=timedelta(seconds=-5)) is not None
    assert "kam/2/staging/orphan.parquet" not in object_storage.files(bucket)
    assert "kam/2/kam.csv" in object_storage.files(bucket)

    assert rebuild(site, force=True).differences == []
    assert any(name.startswith("kam/3/") for name in object_storage.files(bucket))
    with writing(site, "close"), warehouse(site) as con:
        assert rows(con, VERSIONS.replace("reporting", "ops")) == versions

    migrate(site, "file")
    again = find_site(site_folder)
    assert not again.has_lake
    with open_read_only(again) as con:
        assert rows(con, VERSIONS.replace("reporting", "ops")) == versions
    assert "kam/1/staging/invoices/theirs.parquet" in object_storage.files(bucket)


@long
@pytest.mark.skipif(not os.environ.get("KAM_LAKE"), reason="takes minutes: make test-lake runs it")
@pytest.mark.usefixtures("environment")
def test_workers_build_in_s3_what_one_process_builds_in_a_file_and_end_with_5_when_it_goes_away(
    object_storage: ObjectStorage,  # noqa: F811
    site_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(chunks, "FEWEST_MONTHS", 2)
    months = [date(2026, month, 1) for month in range(1, 5)]
    records = [row | {"invoice_date": months[row["net_amount"] % 4].replace(day=10)} for row in INVOICES]
    place = f"s3://{object_storage.new_bucket()}"
    lake = {"warehouse": {"kind": "ducklake", "catalog": "env:KAM_CATALOG", "data": place}, "run": {"workers": 2}}
    (tmp_path / "other").mkdir()
    site = write_site(site_folder, {"invoices": records}, settings=lake, feeds=["invoices"])
    other = write_site(tmp_path / "other", {"invoices": records}, feeds=["invoices"])
    close_plainly(other, months)

    def build(*given: Any) -> dict[int, BuiltChunk]:
        object_storage.stop()
        return workers.build_chunks(*given)

    def backfill(by: Steps) -> None:
        run = Run("backfill", months, terms=Terms())
        with steps.writing_session(site, run.name, run.months):
            close_months(site, run, by)

    try:
        with pytest.raises(WarehouseAwayError, match=f"{place}: cannot be reached: Could not connect"):
            backfill(replace(PLAIN, build_chunks=build))
    finally:
        object_storage.start()
    backfill(PLAIN)
    assert published(site, VERSIONS) == published(other, VERSIONS)
    assert len(published(site, VERSIONS)) == 4
