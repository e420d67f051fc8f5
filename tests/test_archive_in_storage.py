"""An archive and its ledger in S3-compatible storage: what counts is there, and the folder of each machine is a copy."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from kam.archive import fetched, folder, keep, lines, storage, store
from kam.audit import explain, migrate, migrate_archive, rebuild, verify
from kam.close import steps
from kam.errors import ArchiveIncompleteError, KamError, SettingsError, UsageError, WarehouseAwayError
from kam.site import FEEDS, FETCHED, Settings, Site, WarehouseSection, find_site, sweep
from kam.warehouse import object_storage as client
from kam.warehouse import open_read_only, rows
from tests.cli import kam
from tests.object_storage import ObjectStorage, object_storage  # noqa: F401 - a fixture
from tests.postgresql import PostgreSql, postgresql  # noqa: F401 - a fixture
from tests.support import REPOSITORY, close_plainly, long, only, write_csv, write_site

pytest.importorskip("duckdb_extension_ducklake")
pytest.importorskip("duckdb_extension_httpfs")
pytest.importorskip("duckdb_extension_postgres_scanner")

APRIL, MAY = date(2026, 4, 1), date(2026, 5, 1)
INVOICE: dict[str, Any] = {
    "invoice_id": "I1",
    "account_id": "A",
    "invoice_date": "2026-04-10",
    "net_amount": 100,
}
VERSIONS = "SELECT period_month, close_version, content_hash FROM ops.closes ORDER BY ALL"
FIRST, SECOND, THIRD = (json.dumps({"kind": "load", "load_id": number}).encode() for number in (1, 2, 3))
CONTENT = b"some bytes\n"
HASH = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True, scope="module")
def _one_attempt() -> Iterator[None]:
    """A server that is away is not asked again and again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client, "_ATTEMPTS", 1)
        client._client_of.cache_clear()  # noqa: SLF001 - of the tests before
        yield
    client._client_of.cache_clear()  # noqa: SLF001


@pytest.fixture(autouse=True)
def _few_tables(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What is in the tables, and in the published file, is not the matter."""
    monkeypatch.setattr(steps, "publish", lambda *_, **__: False)
    with only(["receivables_ageing"]):
        yield


@pytest.fixture
def environment(
    object_storage: ObjectStorage,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> pytest.MonkeyPatch:
    """The variables of the storage."""
    for name, value in object_storage.variables().items():
        monkeypatch.setenv(name, value)
    return monkeypatch


@pytest.fixture
def bucket(environment: pytest.MonkeyPatch, object_storage: ObjectStorage) -> str:  # noqa: F811
    """A new bucket."""
    assert environment
    return object_storage.new_bucket()


@pytest.fixture
def catalog(postgresql: PostgreSql, monkeypatch: pytest.MonkeyPatch) -> str:  # noqa: F811
    """The URL of an empty database, in the variable that the settings name."""
    url = postgresql.new_database()
    monkeypatch.setenv("KAM_CATALOG", url)
    return url


def lake(archive: str | None) -> WarehouseSection:
    return WarehouseSection(kind="ducklake", catalog="env:KAM_CATALOG", archive=archive)


def machine(directory: Path, archive: str | None) -> Site:
    """The site on a machine whose folder has nothing of the archive; its catalog is never asked."""
    directory.mkdir(exist_ok=True)
    return Site(
        directory, Settings.model_validate({"site": {"name": "test"}}).model_copy(update={"warehouse": lake(archive)})
    )


def line_names(storage: ObjectStorage, bucket: str) -> list[str]:
    return [name.rpartition("/")[2] for name in storage.files(bucket) if "/ledger/" in name]


def test_each_line_is_an_object_and_another_machine_fetches_what_it_lacks(
    object_storage: ObjectStorage,  # noqa: F811
    bucket: str,
    tmp_path: Path,
) -> None:
    one, other = (machine(tmp_path / name, f"s3://{bucket}/archive/") for name in ("one", "other"))
    assert lines.read(one) == []
    lines.add(one, [FIRST])
    assert lines.read(other) == [FIRST]
    lines.add(one, [SECOND, THIRD])
    assert lines.read(other) == lines.read(one) == [FIRST, SECOND, THIRD]
    assert one.ledger.read_bytes() == other.ledger.read_bytes() == b"\n".join([FIRST, SECOND, THIRD, b""])
    assert line_names(object_storage, bucket) == ["000000001.json", "000000002.json", "000000003.json"]
    # The folder is a copy: a last line that was cut short, or a folder that was removed, is no loss.
    one.ledger.write_bytes(one.ledger.read_bytes()[:-5])
    assert lines.read(one) == [FIRST, SECOND, THIRD]
    shutil.rmtree(one.archive)
    assert lines.read(one) == [FIRST, SECOND, THIRD]


def emptied(bucket: Any) -> None:
    for number in (1, 2, 3):
        bucket.remove(number)


def older(bucket: Any) -> None:
    for number in (2, 3):
        bucket.remove(number)


def another(bucket: Any) -> None:
    bucket.put(3, b'{"kind": "load", "load_id": 9}\n')


def another_that_went_on(bucket: Any) -> None:
    another(bucket)
    bucket.put(4, FIRST + b"\n")


def with_a_gap(bucket: Any) -> None:
    bucket.put(5, FIRST + b"\n")


def without_the_last(bucket: Any) -> None:
    bucket.remove(3)
    bucket.put(4, FIRST + b"\n")


def damaged(bucket: Any) -> None:
    bucket.put(4, b'{"kind": "lo')


class Lines:
    """The lines in a bucket, for those who may not touch them."""

    def __init__(self, storage: ObjectStorage, bucket: str) -> None:
        self._client, self._bucket = storage.client(), bucket

    def put(self, number: int, content: bytes) -> None:
        self._client.put_object(Bucket=self._bucket, Key=f"archive/ledger/{number:09}.json", Body=content)

    def remove(self, number: int) -> None:
        self._client.delete_object(Bucket=self._bucket, Key=f"archive/ledger/{number:09}.json")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (emptied, r"has no ledger, but .*ledger.ndjson has 3\. .*emptied.* kam --site \S+ migrate --archive s3://"),
        (older, "has only 1 line of the ledger, but .*ledger.ndjson has 3. Was the storage emptied, or is it an older"),
        (another, "line 3 is not the one that .*ledger.ndjson has. Is it the archive of another site"),
        (another_that_went_on, "line 3 is not the one that .*ledger.ndjson has"),
        (with_a_gap, r"lacks line 4 \(000000004.json\), but has later ones. Restore it from a backup"),
        (without_the_last, r"lacks line 3 \(000000003.json\), but has later ones"),
        (damaged, "/000000004.json: is damaged. Restore it from a backup"),
    ],
)
def test_a_ledger_that_does_not_go_on_where_the_copy_ends_is_refused_and_nothing_changes(
    object_storage: ObjectStorage,  # noqa: F811
    bucket: str,
    tmp_path: Path,
    change: Callable[[Lines], None],
    said: str,
) -> None:
    site = machine(tmp_path / "one", f"s3://{bucket}/archive")
    lines.add(site, [FIRST, SECOND, THIRD])
    change(Lines(object_storage, bucket))
    before = line_names(object_storage, bucket)
    with pytest.raises(KamError, match=f"s3://{bucket}/archive/ledger.*{said}") as raised:
        lines.read(site)
    assert "othing was changed" in str(raised.value)
    assert site.ledger.read_bytes() == b"\n".join([FIRST, SECOND, THIRD, b""])
    assert line_names(object_storage, bucket) == before


def test_a_line_whose_answer_was_lost_is_taken_and_one_that_somebody_else_wrote_stays(
    object_storage: ObjectStorage,  # noqa: F811
    bucket: str,
    tmp_path: Path,
) -> None:
    site = machine(tmp_path / "one", f"s3://{bucket}/archive")
    there = Lines(object_storage, bucket)
    there.put(1, FIRST + b"\n")
    lines.add(site, [FIRST])
    assert lines.read(site) == [FIRST]
    there.put(2, THIRD + b"\n")
    with pytest.raises(
        KamError, match=r"000000002\.json: another process wrote this line .* Run the command again"
    ) as raised:
        lines.add(site, [SECOND])
    assert raised.value.exit_code == 5
    assert site.ledger.read_bytes() == FIRST + b"\n"
    assert lines.read(site) == [FIRST, THIRD]
    lines.add(site, [SECOND])
    assert lines.read(machine(tmp_path / "other", f"s3://{bucket}/archive")) == [FIRST, THIRD, SECOND]


def entry(name: str = "landing/a.csv") -> Mapping[str, Any]:
    return {"kind": "load", "load_id": 1, "feed": "invoices", "files": [{"name": name, "sha256": HASH}]}


def test_bytes_are_kept_in_both_places_and_whatever_is_lost_or_damaged_in_one_comes_from_the_other(
    object_storage: ObjectStorage,  # noqa: F811
    bucket: str,
    tmp_path: Path,
) -> None:
    one, other = (machine(tmp_path / name, f"s3://{bucket}/archive") for name in ("one", "other"))
    (tmp_path / "a.csv").write_bytes(CONTENT)
    key, aws = f"archive/{HASH[:2]}/{HASH}", object_storage.client()
    keep(one, tmp_path / "a.csv", HASH)
    assert object_storage.files(bucket) == [key]
    assert store.size(other, HASH) == len(CONTENT)
    assert store.size(other, "00" * 32) is None
    assert fetched(other, HASH).read_bytes() == CONTENT
    assert [path.name for path in other.archive.iterdir()] == [HASH[:2]]

    # The copy of a machine has other bytes.
    kept = folder.archived(other, HASH)
    kept.chmod(0o644)
    kept.write_bytes(CONTENT[::-1])
    store.require_sound(other, [entry()], repair=False)
    assert kept.read_bytes() == CONTENT

    # The storage lost it. A command that writes puts it back, one that only looks says so.
    for lose in (
        lambda: aws.delete_object(Bucket=bucket, Key=key),
        lambda: aws.put_object(Bucket=bucket, Key=key, Body=b"cut off"),
    ):
        lose()
        with pytest.raises(KamError, match=f"s3://{bucket}/{key} \\(landing/a.csv, load 1 of invoices\\) "):
            store.require_sound(one, [entry()], repair=False)
        store.require_sound(one, [entry()], repair=True)
        assert aws.get_object(Bucket=bucket, Key=key)["Body"].read() == CONTENT
    aws.delete_object(Bucket=bucket, Key=key)
    storage.look_again(one)
    with pytest.raises(ArchiveIncompleteError, match=f"s3://{bucket}/archive: lacks 1 of the 1 files .* emptied"):
        store.require_there(one, [entry()], bring_back=False)
    store.require_there(one, [entry()], bring_back=True)
    assert object_storage.files(bucket) == [key]

    # Other bytes of the same length, and no machine has a copy: nothing is put into its place but what landed again.
    aws.put_object(Bucket=bucket, Key=key, Body=CONTENT[::-1])
    shutil.rmtree(one.archive)
    with pytest.raises(KamError, match=f"{key} does not have the bytes that its name says. Restore the archive"):
        fetched(one, HASH)
    with pytest.raises(KamError, match="does not have the bytes"):
        store.require_sound(one, [entry()], repair=True)
    assert [path for path in one.archive.rglob("*") if path.is_file()] == []
    (one.directory / "landing").mkdir()
    shutil.copy(tmp_path / "a.csv", one.directory / "landing" / "a.csv")
    store.require_sound(one, [entry()], repair=True)
    assert aws.get_object(Bucket=bucket, Key=key)["Body"].read() == CONTENT


def test_a_large_file_goes_in_parts(
    object_storage: ObjectStorage,  # noqa: F811
    bucket: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(client, "_PART", 5 << 20)  # S3 takes no smaller ones
    content = b"0123456789abcde\n" * (6 << 16)
    sha256 = hashlib.sha256(content).hexdigest()
    (tmp_path / "a.csv").write_bytes(content)
    one, other = (machine(tmp_path / name, f"s3://{bucket}") for name in ("one", "other"))
    keep(one, tmp_path / "a.csv", sha256)
    found = object_storage.client().head_object(Bucket=bucket, Key=f"{sha256[:2]}/{sha256}")
    assert found["ETag"].endswith('-2"')  # of two parts
    assert fetched(other, sha256).read_bytes() == content


def read_and_write(site: Site, file: Path) -> None:
    lines.read(site)
    keep(site, file, HASH)


@pytest.mark.parametrize(
    ("place", "variables", "may", "said"),
    [
        (
            "BUCKET/a",
            {"AWS_SECRET_ACCESS_KEY": ""},
            None,
            "the environment .*AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set",
        ),
        ("no-such-bucket", {}, None, "there is no such bucket. What was committed stays"),
        (
            "BUCKET/a",
            {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"},
            None,
            "cannot be reached: Could not connect to server",
        ),
        ("BUCKET/a", {"AWS_ENDPOINT_URL": "u:Canary@127.0.0.1:1"}, None, "cannot be reached: Could not connect"),
        ("BUCKET/a", {"AWS_ENDPOINT_URL": "https://"}, None, "cannot be reached: "),
        (
            "BUCKET/a",
            {"AWS_ENDPOINT_URL": "http://["},
            None,
            "cannot be reached: the address in AWS_ENDPOINT_URL is none",
        ),
        (
            "BUCKET/a",
            {"AWS_PROFILE": "nobody", "AWS_ACCESS_KEY_ID": "nobody"},
            [],
            "refused: InvalidAccessKeyId: .*rights to list, read and write there",
        ),
        ("BUCKET/a", {}, ["s3:GetObject", "s3:PutObject"], "refused: AccessDenied: Access Denied"),
        ("BUCKET/a", {}, ["s3:GetObject", "s3:ListBucket"], "refused: AccessDenied: Access Denied"),
    ],
)
def test_what_is_wrong_with_the_storage_is_exit_status_5_and_shows_no_secret(
    environment: pytest.MonkeyPatch,
    object_storage: ObjectStorage,  # noqa: F811
    bucket: str,
    tmp_path: Path,
    place: str,
    variables: Mapping[str, str],
    may: list[str] | None,
    said: str,
) -> None:
    site = machine(tmp_path / "one", f"s3://{place.replace('BUCKET', bucket)}")
    (tmp_path / "a.csv").write_bytes(CONTENT)
    for name, value in {**(object_storage.user_who_may(may) if may else {}), **variables}.items():
        environment.setenv(name, value)
    object_storage.look_at_rights(wanted=may is not None)
    try:
        with pytest.raises(WarehouseAwayError, match=f"{site.archive_place}.*: {said}") as raised:
            read_and_write(site, tmp_path / "a.csv")
    finally:
        object_storage.look_at_rights(wanted=False)
    assert raised.value.exit_code == 5
    assert "Canary" not in str(raised.value)


def test_nobody_waits_for_a_request_that_hangs_when_another_one_failed() -> None:
    assert client.at_once(str, range(20)) == [str(number) for number in range(20)]
    over = threading.Event()

    def ask(number: int) -> None:
        if number == 3:
            message = "refused"
            raise KamError(message)
        over.wait(60)

    began = time.monotonic()
    with pytest.raises(KamError, match="refused"):
        client.at_once(ask, range(20))
    over.set()
    assert time.monotonic() - began < 30


def test_what_a_killed_fetch_left_goes_after_a_day_and_a_fetch_of_now_is_not_disturbed(site_folder: Path) -> None:
    site = machine(site_folder, "s3://books/archive")
    site.archive.mkdir()
    old, new = (site.archive / f"{FETCHED}{name}" for name in ("old", "new"))
    for file in (old, new):
        file.write_bytes(b"half")
    os.utime(old, (1, 1))
    sweep(site)
    assert list(site.archive.iterdir()) == [new]


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"archive": "s3://reader:Canary@books/a"}, r'warehouse.archive: .*"s3://BUCKET/PLACE"'),
        ({"archive": "archive"}, r'warehouse.archive: .*"s3://BUCKET/PLACE"'),
        ({"data": "s3://books/kam", "archive": "s3://books/kam/archive"}, "lie within each other"),
        ({"data": "s3://books/kam/lake/", "archive": "s3://books/kam"}, "lie within each other"),
        ({"data": "s3://books", "archive": "s3://books/archive"}, "lie within each other"),
        ({"data": "s3://books/kam", "archive": "s3://books/kam/"}, "lie within each other"),
        ({"kind": "file", "archive": "s3://books/kam"}, 'needs kind = "ducklake"'),
        ({"data": "s3://books/kam", "archive": "s3://books/kam-archive"}, ""),
    ],
)
def test_a_place_that_is_none_or_that_maintenance_would_empty_is_refused(
    site_folder: Path, section: Mapping[str, str], said: str
) -> None:
    whole = {"kind": "ducklake", "catalog": "env:KAM_CATALOG"} | section
    if whole["kind"] == "file":
        del whole["catalog"]
    if not said:
        assert write_site(site_folder, {}, settings={"warehouse": whole}, feeds=[]).archive_place == section["archive"]
        return
    with pytest.raises(SettingsError, match=said) as raised:
        write_site(site_folder, {}, settings={"warehouse": whole}, feeds=[])
    assert "Canary" not in str(raised.value)


def site_in(directory: Path, bucket: str) -> Site:
    """A site with an invoice of April, whose archive is in a bucket; its machines share the folder of the data files."""
    directory.mkdir(exist_ok=True)
    places = {"data": str(directory.with_name(f"lake-{directory.name}")), "archive": f"s3://{bucket}/archive"}
    settings = {"warehouse": {"kind": "ducklake", "catalog": "env:KAM_CATALOG"} | places}
    return write_site(directory, {"invoices": [INVOICE]}, settings=settings, feeds=["invoices"])


def same_site(site: Site, directory: Path) -> Site:
    """The site on another machine, which has its settings and nothing else."""
    (directory / "landing").mkdir(parents=True)
    shutil.copy(site.directory / "kam.toml", directory / "kam.toml")
    return find_site(directory)


def load(site: Site) -> None:
    with steps.writing_session(site, "ingest"):
        steps.load_feed(site, "invoices")


def more(site: Site, number: int) -> None:
    later = INVOICE | {"invoice_id": f"L{number}", "invoice_date": "2026-05-10"}
    write_csv(site.directory / "landing" / f"invoices_{number}.csv", FEEDS["invoices"].column_names, [later])


def versions_of(site: Site) -> list[dict[str, Any]]:
    with open_read_only(site) as con:
        return rows(con, VERSIONS)


def load_count(site: Site) -> int:
    with open_read_only(site) as con:
        return len(rows(con, "FROM ops.loads WHERE status = 'loaded'"))


@long
def test_machines_that_share_nothing_but_catalog_and_storage_close_prove_and_rebuild_one_site(
    postgresql: PostgreSql,  # noqa: F811
    catalog: str,
    bucket: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert catalog
    one = site_in(tmp_path / "one", bucket)
    close_plainly(one, [APRIL])
    other = same_site(one, tmp_path / "other")
    more(other, 5)
    close_plainly(other, [MAY])
    versions = versions_of(other)
    assert [(row["period_month"], row["close_version"]) for row in versions] == [(APRIL, 1), (MAY, 1)]

    # What the other machine did is known to the first, and goes on there.
    steps.set_lock(one, APRIL, "audited", is_locked=True)
    assert [proof.holds for proof in verify(one)] == [True, True]
    done = kam("--site", other.directory, "status")
    assert "audited" in done.stdout
    assert "s3://" not in done.stdout + done.stderr  # nothing is wrong with the archive
    shutil.rmtree(other.archive)
    found = explain(other, "receivables_ageing.outstanding_amount", month=MAY)
    assert {source.place for source in found.sources} == {"line 2"}
    assert kam("--site", other.directory, "check").returncode == 0

    # The catalog was lost. A machine that has never seen the site does not begin an empty lake in its place.
    monkeypatch.setenv("KAM_CATALOG", postgresql.new_database())
    third = same_site(one, tmp_path / "third")
    with pytest.raises(KamError, match=f"is missing, but s3://{bucket}/archive/ledger lists what was loaded"):
        load(third)
    assert rebuild(third).differences == []
    assert versions_of(third) == versions_of(one) == versions


@long
@pytest.mark.usefixtures("catalog")
def test_a_storage_that_goes_away_or_a_kill_loses_no_load_and_no_line(
    object_storage: ObjectStorage,  # noqa: F811
    postgresql: PostgreSql,  # noqa: F811
    bucket: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    site = site_in(tmp_path / "one", bucket)
    load(site)

    def away_in(module: Any, name: str) -> None:
        whole = getattr(module, name)

        def stop_first(*given: Any) -> Any:
            object_storage.stop()
            return whole(*given)

        with monkeypatch.context() as patch:
            patch.setattr(module, name, stop_first)
            try:
                with pytest.raises(
                    WarehouseAwayError, match="cannot be reached: Could not connect to server"
                ) as raised:
                    load(site)
            finally:
                object_storage.start()
        assert raised.value.exit_code == 5

    more(site, 2)
    away_in(storage, "upload")
    assert load_count(site) == 1
    away_in(lines, "put")
    assert load_count(site) == 2
    assert len(line_names(object_storage, bucket)) == 1
    load(site)
    assert len(line_names(object_storage, bucket)) == load_count(site) == 2

    more(site, 3)
    kill = (
        "import os, pathlib, signal, sys\nfrom kam.archive import lines\nfrom kam.close import steps\nfrom kam.site import find_site\n"
        "lines.put = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "site = find_site(pathlib.Path(sys.argv[1]))\n"
        "with steps.writing_session(site, 'ingest'):\n    steps.load_feed(site, 'invoices')\n"
    )
    done = subprocess.run([sys.executable, "-c", kill, site.directory], cwd=REPOSITORY, check=False)
    assert done.returncode == -signal.SIGKILL
    # Another machine adds the line.
    other = same_site(site, tmp_path / "other")
    load(other)
    assert load_count(other) == 3
    assert line_names(object_storage, bucket) == [f"{number:09}.json" for number in (1, 2, 3)]
    load(site)
    assert lines.read(site) == lines.read(other)

    # Another site, with a catalog of its own, names the same place by mistake.
    monkeypatch.setenv("KAM_CATALOG", postgresql.new_database())
    theirs = site_in(tmp_path / "theirs", f"{bucket}/of-their-own")
    more(theirs, 9)
    load(theirs)
    settings = theirs.directory / "kam.toml"
    settings.write_text(settings.read_text().replace("of-their-own/", ""))
    shutil.rmtree(theirs.archive)
    with pytest.raises(KamError, match=r"load 2 of invoices is not the one that the lake of KAM_CATALOG has\."):
        load(find_site(theirs.directory))
    done = kam("--site", theirs.directory, "status")
    assert (done.returncode, "Is it the archive of another site?" in done.stderr) == (1, True)


@pytest.mark.usefixtures("catalog")
def test_an_archive_does_not_move_to_where_another_one_is(bucket: str, site_folder: Path, tmp_path: Path) -> None:
    site = write_site(site_folder, {"invoices": [INVOICE]}, feeds=["invoices"])
    load(site)
    there = f"s3://{bucket}/archive"
    lines.add(machine(tmp_path / "theirs", there), [FIRST])
    lake = {"catalog_variable": "KAM_CATALOG", "data": str(tmp_path / "lake")}
    with pytest.raises(UsageError, match=f"{there}: has another archive, .* Name another place"):
        migrate(site, "ducklake", **lake, archive=there)
    with pytest.raises(UsageError, match="--archive: archive and data lie within each other"):
        migrate(site, "ducklake", **lake | {"data": f"s3://{bucket}"}, archive=there)
    for options, said in (
        (["--to", "file", "--archive", there], "an archive in storage needs a DuckLake. Name --to ducklake as well"),
        (["--archive", there], "an archive in storage needs a DuckLake. Name --to ducklake as well"),
        ([], "name what shall move where"),
        (["--to", "ducklake", "--archive", "s3://reader:Canary@books"], "--archive: expected "),
    ):
        done = kam("--site", site_folder, "migrate", *options)
        assert (done.returncode, said in done.stderr, "Canary" in done.stderr) == (2, True, False), done.stderr
    assert not find_site(site_folder).has_lake


@long
@pytest.mark.usefixtures("catalog")
def test_an_archive_moves_to_storage_and_back_and_goes_on_where_a_move_was_stopped(
    object_storage: ObjectStorage,  # noqa: F811
    bucket: str,
    site_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    site = write_site(site_folder, {"invoices": [INVOICE]}, feeds=["invoices"])
    close_plainly(site, [APRIL])
    before = site.ledger.read_bytes()
    place = f"s3://{bucket}/archive"

    def stopped(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(lines, "put", stopped)
        with pytest.raises(KeyboardInterrupt):
            migrate(site, "ducklake", catalog_variable="KAM_CATALOG", data=str(tmp_path / "lake"), archive=place)
    assert not find_site(site_folder).has_lake
    assert any(name.startswith("archive/") for name in object_storage.files(bucket))

    done = kam(
        "--site", site_folder, "migrate", "--to", "ducklake", "--data", str(tmp_path / "lake"), "--archive", place
    )
    assert done.returncode == 0, done.stderr
    assert (
        f"The archive is in {place} now: 1 file, each compared with its hash, and 2 lines of the ledger" in done.stdout
    )
    site = find_site(site_folder)
    assert site.archive_place == place
    shutil.rmtree(site.archive)
    more(site, 5)
    load(site)
    versions = versions_of(site)
    done = kam("--site", site_folder, "migrate", "--archive", place)
    assert (done.returncode, f"is in {place} already" in done.stderr) == (2, True)

    # To another place of the storage; named by hand first, which is refused with the command that helps.
    settings = site_folder / "kam.toml"
    settings.write_text(settings.read_text().replace(place, f"s3://{bucket}/second"))
    done = kam("--site", site_folder, "status")
    assert (done.returncode, "has no ledger, but" in done.stderr) == (1, True)
    assert f"migrate --archive s3://{bucket}/second" in done.stderr
    assert migrate_archive(find_site(site_folder), f"s3://{bucket}/second").line_count == 3
    done = kam("--site", site_folder, "migrate", "--archive", f"s3://{bucket}/third")
    assert done.returncode == 0, done.stderr

    # And back into the folder, of which a part is there.
    site = find_site(site_folder)
    shutil.rmtree(site.archive)
    lines.read(site)
    done = kam("--site", site_folder, "migrate", "--archive", "archive")
    assert (done.returncode, f"The archive is in {site.archive} now: 2 files" in done.stdout) == (0, True), done.stderr
    site = find_site(site_folder)
    assert site.archive_place == ""
    assert site.ledger.read_bytes().startswith(before)
    assert "archive =" not in settings.read_text()
    # Where it was before, the archive is the same: it goes on there.
    assert migrate_archive(site, f"s3://{bucket}/third").name == f"s3://{bucket}/third"
    migrate(find_site(site_folder), "file")
    site = find_site(site_folder)
    assert not site.has_lake
    assert versions_of(site) == versions
    assert [proof.holds for proof in verify(site)] == [True]
