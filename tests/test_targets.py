"""Targets of a publication: each has what the published file has, and one that fails harms nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest

from kam.close import CloseReport, steps
from kam.errors import KamError
from kam.publish import target_states
from kam.publish.month_report import replace_together
from kam.publish.targets import files, publications
from kam.publish.targets.editions import CaughtUp
from kam.report import closing_lines
from kam.site import Site, find_site, validate_settings
from kam.warehouse import warehouse
from tests.cli import kam
from tests.published_site import AUGUST, OCTOBER, SEPTEMBER, late, new_site, published_site  # noqa: F401 - the fixture
from tests.receivers import web_server
from tests.support import close_plainly, long, published


@pytest.fixture
def site(published_site: Site, tmp_path: Path) -> Site:  # noqa: F811
    """A copy of it, of one's own."""
    return find_site(shutil.copytree(published_site.directory, tmp_path / "site"))


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publications, "_PAUSES", (0, 0))


def written(site: Site) -> dict[str, int]:
    """The files of the targets and when each was written."""
    found = [*(site.published / "parquet").rglob("*"), *(site.published / "reports").rglob("*")]
    return {file.relative_to(site.published).as_posix(): file.stat().st_mtime_ns for file in found if file.is_file()}


def errors(site: Site) -> dict[str, str]:
    with warehouse(site) as con:
        return {state.name: state.error for state in target_states(con, site)}


@long
def test_a_close_writes_the_new_month_and_nothing_of_the_others(site: Site) -> None:
    before = written(site)
    assert {"parquet/sales/2026-09.parquet", "reports/2026-08.xlsx"} <= before.keys()
    assert not (site.published / "index.html").exists()
    close_plainly(site, [OCTOBER])
    after = written(site)
    assert {name: after[name] for name in before} == before
    assert {Path(name).stem for name in after.keys() - before.keys()} == {"2026-10"}
    sales = duckdb.sql(f"SELECT sum(net_amount) FROM '{site.published}/parquet/sales/*.parquet'").fetchall()
    assert sales == [(300,)]


@long
def test_a_restated_month_replaces_its_files_and_a_withdrawn_one_has_none(site: Site) -> None:
    late(site)
    close_plainly(site, [SEPTEMBER], restate=True)
    september = f"{site.published}/parquet/sales/2026-09.parquet"
    assert duckdb.sql(f"SELECT sum(net_amount), max(close_version) FROM '{september}'").fetchall() == [(105, 2)]
    steps.withdraw(site, SEPTEMBER, "too early")
    steps.withdraw(site, SEPTEMBER, "too early as well")
    assert {Path(name).stem for name in written(site)} == {"2026-08"}
    with warehouse(site) as con:
        held = con.execute(
            "SELECT target, strftime(period_month, '%Y-%m'), close_version FROM ops.publications ORDER BY ALL"
        )
        assert held.fetchall() == [("parquet", "2026-08", 1), ("xlsx", "2026-08", 1)]


@long
def test_files_that_are_lost_come_back_and_a_target_that_is_named_later_gets_all_months(site: Site) -> None:
    before = written(site).keys()
    (site.published / "parquet" / "sales" / "2026-08.parquet").unlink()
    shutil.rmtree(site.published / "reports")
    close_plainly(site, [SEPTEMBER])
    assert written(site).keys() == before


@long
def test_what_fails_half_way_leaves_all_files_as_they_were(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    before, moves = written(site), []
    replace = Path.replace

    def full(file: Path, target: Path) -> Path:
        moves.append(target)
        if "parquet" in str(target) and len(moves) == 8:
            raise OSError(28, "No space left on device")
        return replace(file, target)

    late(site)
    monkeypatch.setattr(Path, "replace", full)
    monkeypatch.setattr(publications, "_PAUSES", ())
    close_plainly(site, [SEPTEMBER], restate=True)
    assert len(moves) > 8
    assert {name: size for name, size in written(site).items() if name.startswith("parquet")} == {
        name: size for name, size in before.items() if name.startswith("parquet")
    }
    assert "No space left on device" in errors(site)["parquet"]
    assert published(site, "SELECT max(close_version) AS v FROM reporting.sales") == [{"v": 2}]
    monkeypatch.undo()
    steps.publish(site)
    assert errors(site) == {"parquet": "", "xlsx": ""}
    assert duckdb.sql(f"SELECT max(close_version) FROM '{site.published}/parquet/sales/*.parquet'").fetchall() == [(2,)]


@long
def test_a_target_that_fails_is_tried_again_and_then_reported_until_it_is_caught_up(
    site_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with web_server() as hook:
        monkeypatch.setenv("TEST_HOOK", f"json://127.0.0.1:{hook.port}/")
        channel = {"ops": {"url": "env:TEST_HOOK"}}
        site = new_site(site_folder, {"pack": False, "parquet": True}, alerts={"channels": channel})
        (site.published).mkdir()
        (site.published / "parquet").write_text("a file in the way")
        tries = []
        monkeypatch.setattr(files, "made_aside", lambda folder: tries.append(folder) or made_aside(folder))

        done = kam("--site", site.directory, "close", "2026-08")
        assert done.returncode == 0, done.stderr
        assert "2026-08: closed as version 1." in done.stdout
        assert f"Not published to parquet: {site.published}/parquet: cannot be written to" in done.stdout
        status = kam("--site", site.directory, "status").stdout
        assert "To catch up:" in status
        again = kam("--site", site.directory, "publish")
        assert again.returncode == 1
        assert "Not published to parquet." in again.stderr
        assert len(tries) == 6
        told = [payload["title"] for payload in hook.payloads]
        assert [title for title in told if "published" in title] == ["test: not published to parquet (warning)"]

        (site.published / "parquet").unlink()
        caught_up = kam("--site", site.directory, "publish")
        assert caught_up.returncode == 0
        assert "Published to parquet: 2026-08" in caught_up.stdout
        assert hook.payloads[-1]["title"] == "test: target parquet: good again (recovered)"
        assert "To catch up:" not in kam("--site", site.directory, "status").stdout


made_aside = files.made_aside


@long
def test_the_pack_is_written_by_default_and_follows_the_versions_of_its_month(site_folder: Path) -> None:
    assert validate_settings({"site": {"name": "x"}}, Path("kam.toml")).publish.pack
    site = new_site(site_folder, {"pack": True})
    close_plainly(site, [AUGUST, SEPTEMBER])
    pages = {month: site.published / "months" / month / "index.html" for month in ("2026-08", "2026-09")}
    assert [page.exists() for page in pages.values()] == [False, True]
    assert "Version 1" in pages["2026-09"].read_text()
    said = kam("--site", site.directory, "publish").stdout
    assert f"Which accounts to call: {site.published / 'index.html'}" in said
    with_link = new_site(site_folder, {"pack": True, "link": "https://example.com/kam"})
    assert "Which accounts to call: https://example.com/kam/index.html" in closing_lines(with_link, CloseReport())
    without = new_site(site_folder, {"pack": False})
    assert not any("index.html" in line and "call" in line for line in closing_lines(without, CloseReport()))
    site = new_site(site_folder, {"pack": True})
    late(site)
    close_plainly(site, [SEPTEMBER], restate=True)
    assert "Version 2" in pages["2026-09"].read_text()
    (site.published / "index.html").unlink()
    steps.withdraw(site, SEPTEMBER, "too early")
    steps.withdraw(site, SEPTEMBER, "too early")
    assert [page.exists() for page in pages.values()] == [True, False]
    assert "2026-08" in (site.published / "index.html").read_text()


@long
def test_check_names_a_target_that_cannot_be_written_to(site: Site) -> None:
    shutil.rmtree(site.published / "parquet")
    (site.published / "parquet").write_text("a file in the way")
    checked = kam("--site", site.directory, "check")
    assert checked.returncode == 1
    assert f"[publish] parquet: {site.published}/parquet: cannot be written to" in checked.stderr


@long
def test_a_failure_of_our_own_in_a_target_fails_no_close(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        message = "with a secret"
        raise ValueError(message)

    monkeypatch.setattr(files, "make_workbook", broken)
    close_plainly(site, [OCTOBER])
    assert errors(site) == {"parquet": "", "xlsx": "unexpected ValueError"}
    monkeypatch.setattr(files, "make_workbook", lambda *_: (_ for _ in ()).throw(KamError("no room")))
    steps.publish(site)
    assert errors(site)["xlsx"] == "no room"


class _Flaky:
    """A target that fails as often as it is told, and keeps nothing."""

    name = "flaky"

    def __init__(self, failures: int) -> None:
        self.failures, self.tries = failures, 0

    def catch_up(self, *_: Any, **__: Any) -> CaughtUp:
        self.tries += 1
        if self.tries <= self.failures:
            message = "does not answer"
            raise KamError(message)
        return CaughtUp({}, notes=["somebody should grant something"])

    def faults(self) -> list[str]:
        return []


def test_a_target_has_three_tries_and_its_record_says_since_when_it_fails(
    site_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = new_site(site_folder, {"pack": False})
    flaky = _Flaky(4)
    monkeypatch.setattr(publications, "targets_of", lambda _: [flaky])
    with warehouse(site) as con:
        assert not publications.publish_to_targets(con, site)
        (failed,) = target_states(con, site)
        assert (flaky.tries, failed.error, failed.failed_since) == (3, "does not answer", failed.tried_at)
        publications.publish_to_targets(con, site)
        (works,) = target_states(con, site)
        assert (flaky.tries, works.error, works.failed_since) == (5, "", None)
        assert works.notes == ("somebody should grant something",)
        monkeypatch.setattr(publications, "targets_of", lambda _: [])
        publications.publish_to_targets(con, site)
        assert con.execute("SELECT count(*) FROM ops.targets").fetchall() == [(0,)]


def test_files_are_replaced_together_or_not_at_all(tmp_path: Path) -> None:
    target, aside = tmp_path / "target", tmp_path / "target" / "aside"
    for folder, text in ((target, "old"), (aside, "new")):
        for name in ("a", "b"):
            (folder / name).mkdir(parents=True)
            (folder / name / "x").write_text(text)
    (target / "gone").write_text("old")
    names = [Path("a/x"), Path("b/x"), Path("c/x")]

    with pytest.raises(FileNotFoundError):  # c/x is not there
        replace_together(aside, target, names, [Path("gone")])
    assert [(target / name).read_text() for name in ("a/x", "b/x", "gone")] == ["old"] * 3

    for name in names:
        (aside / name).parent.mkdir(exist_ok=True)
        (aside / name).write_text("new")
    replace_together(aside, target, names, [Path("gone")])
    assert [(target / name).read_text() for name in names] == ["new"] * 3
    assert not (target / "gone").exists()
