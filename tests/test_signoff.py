"""Sign-off: readers see a version when somebody approved it, and a month that is locked keeps its version."""

from __future__ import annotations

import json
import os
import pwd
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from kam.alerts import run_approve
from kam.archive.store import ledger_entries
from kam.audit import explain, rebuild, verify
from kam.cli.messages import print_what_helps
from kam.cli.sites import states
from kam.close import Outcome, Run, signoff, steps, waiting_versions
from kam.errors import KamError, UsageError
from kam.publish import previewed, published_file, published_months, waiting_months
from kam.publish.month_report import published_month
from kam.site import Site, alone, find_site
from kam.warehouse import Connection, open_read_only, people, rows, warehouse
from tests.published_site import AUGUST, OCTOBER, SEPTEMBER, late, new_site
from tests.stores import lose_warehouse
from tests.support import close_plainly, long, published

APPROVAL = {"pack": False, "approval": True}


@pytest.fixture(scope="session")
def signed_site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """August is closed and published, then approval is switched on, and September waits. Not to be changed: copy it."""
    site = new_site(tmp_path_factory.mktemp("signed"), {"pack": False, "parquet": True})
    close_plainly(site, [AUGUST])
    with_approval(site)
    site = find_site(site.directory)
    close_plainly(site, [SEPTEMBER])
    return site


@pytest.fixture
def site(signed_site: Site, copied: Callable[[Site], Site]) -> Site:
    return copied(signed_site)


@pytest.fixture
def copied(tmp_path: Path) -> Callable[[Site], Site]:
    import shutil

    def copy(site: Site) -> Site:
        return find_site(Path(shutil.copytree(site.directory, tmp_path / "books")))

    return copy


def with_approval(site: Site, *, four_eyes: bool = False, approval: bool = True) -> Site:
    """The site with this setting, read anew."""
    file = site.directory / "kam.toml"
    lines = [line for line in file.read_text().splitlines() if not line.startswith(("approval", "four_eyes"))]
    place = lines.index("[publish]") + 1
    lines[place:place] = [f"approval = {str(approval).lower()}", f"four_eyes = {str(four_eyes).lower()}"]
    file.write_text("\n".join(lines) + "\n")
    return find_site(site.directory)


def approve(site: Site, *versions: tuple[date, int], comment: str = "reviewed") -> None:
    wanted = dict(versions)
    run_approve(site, Run("approve", sorted(wanted)), wanted, comment)


def seen(site: Site) -> list[tuple[date, int]]:
    """What a reader of the file finds in a table with figures."""
    found = published(
        site, "SELECT DISTINCT period_month, close_version FROM reporting.receivables_summary ORDER BY ALL"
    )
    return [(row["period_month"], row["close_version"]) for row in found]


def waiting(site: Site) -> list[tuple[date, int, int]]:
    with open_read_only(site) as con:
        return [(found.month, found.version, found.seen) for found in waiting_versions(con)]


def test_readers_see_a_version_when_it_is_approved(site: Site) -> None:
    assert waiting(site) == [(SEPTEMBER, 1, 0)]
    assert seen(site) == [(AUGUST, 1)], "what was published before approval was switched on stays"
    for table in (
        "marts.receivables_summary",
        "history.receivables_summary",
        "ops.checks",
        "ops.closes",
        "reporting.closes",
    ):
        found = published(site, f"SELECT count(*) AS rows FROM {table} WHERE period_month = DATE '2026-09-01'")
        assert found == [{"rows": 0}], table
    assert [month.month for month in published_months(site)] == [AUGUST]
    assert waiting_months(site) == [(SEPTEMBER, 1)], "known without the figures, to those who look after sites"
    (state,) = states([alone(site)], datetime(2026, 10, 4, tzinfo=UTC))
    assert (state.month, state.to_do) == ("2026-08", "approve 2026-09 version 1")
    assert sorted(file.name for file in site.published.glob("parquet/receivables_summary/*")) == ["2026-08.parquet"]
    assert "2026-09" not in (site.published / "quality" / "index.html").read_text()

    approve(site, (SEPTEMBER, 1), comment="compared with the ERP")

    assert seen(site) == [(AUGUST, 1), (SEPTEMBER, 1)]
    assert waiting(site) == []
    assert len(list(site.published.glob("parquet/receivables_summary/2026-09.parquet"))) == 1
    assert "2026-09" in (site.published / "quality" / "index.html").read_text()
    (september,) = published(site, "FROM reporting.closes WHERE period_month = DATE '2026-09-01'")
    me = pwd.getpwuid(os.getuid()).pw_name
    assert (september["approved_by"], september["approval_comment"], september["is_newest"]) == (
        me,
        "compared with the ERP",
        True,
    )


def test_a_preview_is_what_readers_see_after_the_approval(site: Site) -> None:
    with previewed(site, SEPTEMBER) as preview:
        assert preview.published.parent == site.scratch, "where the next run removes what a killed one left"
        before = reporting(preview)
        assert "not approved" in preview.settings.site.name
    assert seen(site) == [(AUGUST, 1)]
    assert not preview.published.exists()

    approve(site, (SEPTEMBER, 1))

    assert before["receivables_summary"], "there is something to compare"
    assert before == reporting(site)


def test_there_is_no_preview_of_what_does_not_wait(signed_site: Site) -> None:
    with pytest.raises(UsageError, match="2026-08: no version waits for approval"), previewed(signed_site, AUGUST):
        pass


def reporting(site: Site) -> dict[str, list[dict[str, Any]]]:
    """All that readers see, but who approved what and which versions were closed when."""
    tables = published(site, "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'reporting'")
    names = {row["table_name"] for row in tables} - {"closes"}
    return {name: published(site, f"FROM reporting.{name} ORDER BY ALL") for name in sorted(names)}


def test_who_looks_at_a_version_that_waits_is_told_that_readers_do_not_see_it(signed_site: Site) -> None:
    found = explain(signed_site, "receivables_summary.outstanding_amount", month=SEPTEMBER)
    assert "This version is preliminary: nobody approved it, and readers do not see it." in found.notes
    seen_by_all = explain(signed_site, "receivables_summary.outstanding_amount", month=AUGUST)
    assert not any("readers do not see" in note for note in seen_by_all.notes)
    with (
        pytest.raises(UsageError, match=r"2026-09 is not published; published: 2026-08\. What waits: "),
        published_month(signed_site, SEPTEMBER),
    ):
        pass
    with pytest.raises(UsageError, match="2026-09: version 1 is the first, so there is none before it"):
        steps.difference(signed_site, SEPTEMBER, None, 1, limit=1)


def test_a_close_that_failed_says_what_waits_all_the_same(
    signed_site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    print_what_helps(signed_site)
    said = " ".join(capsys.readouterr().out.split())
    assert f"Waiting for approval: 1 version: {signed_site.command('status')}" in said


@long
def test_the_last_approved_version_stays_until_the_next_one_is_approved(site: Site) -> None:
    approve(site, (SEPTEMBER, 1))
    late(site)
    (outcome,) = close_plainly(site, [SEPTEMBER], restate=True)
    assert (outcome.outcome, outcome.version, outcome.is_preliminary, outcome.seen) == (Outcome.CLOSED, 2, True, 1)
    steps.publish(site)
    assert seen(site) == [(AUGUST, 1), (SEPTEMBER, 1)]
    with open_read_only(site) as con:
        assert not published_file.lags(con, site)

    approve(site, (SEPTEMBER, 2))

    assert seen(site) == [(AUGUST, 1), (SEPTEMBER, 2)]


@pytest.mark.parametrize(
    ("month", "version", "message"),
    [
        (OCTOBER, 1, "2026-10 is not closed"),
        (SEPTEMBER, 2, "2026-09 has no version 2; its versions: 1"),
        (AUGUST, 1, "2026-08 version 1 needs no approval"),
    ],
)
def test_what_does_not_wait_is_not_approved(signed_site: Site, month: date, version: int, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        approve(signed_site, (month, version))


def test_an_approval_needs_a_comment(signed_site: Site) -> None:
    with pytest.raises(UsageError, match="needs a comment"):
        approve(signed_site, (SEPTEMBER, 1), comment=" ")


@long
def test_a_version_that_was_replaced_is_not_approved(site: Site) -> None:
    late(site)
    close_plainly(site, [SEPTEMBER], restate=True)
    with pytest.raises(UsageError, match=r"2026-09 version 1 was replaced by version 2, closed by .* at 20"):
        approve(site, (SEPTEMBER, 1))
    steps.withdraw(site, SEPTEMBER, "the late invoice was a test")
    approve(site, (SEPTEMBER, 1))
    assert seen(site) == [(AUGUST, 1), (SEPTEMBER, 1)]
    with pytest.raises(UsageError, match="version 2 was withdrawn"):
        approve(site, (SEPTEMBER, 2))


@long
def test_a_month_is_not_published_before_the_one_that_it_opens_from(site: Site) -> None:
    close_plainly(site, [OCTOBER])
    with pytest.raises(UsageError, match=r"2026-10 version 1 opens from version 1 of 2026-09, which is not approved"):
        approve(site, (OCTOBER, 1))
    assert waiting(site) == [(SEPTEMBER, 1, 0), (OCTOBER, 1, 0)]
    approve(site, (OCTOBER, 1), (SEPTEMBER, 1))
    assert seen(site) == [(AUGUST, 1), (SEPTEMBER, 1), (OCTOBER, 1)]


@long
def test_months_that_were_built_together_are_approved_in_their_order(site: Site) -> None:
    late(site)
    close_plainly(site, [SEPTEMBER, OCTOBER], restate=True)
    with pytest.raises(UsageError, match=r"2026-10 version 1 opens from version 2 of 2026-09, which is not approved"):
        approve(site, (OCTOBER, 1))
    approve(site, (SEPTEMBER, 2))
    late_in_october = site.directory / "landing" / "invoices_late.csv"
    late_in_october.write_text(late_in_october.read_text().replace("LATE", "LATER"))
    close_plainly(site, [SEPTEMBER], restate=True)
    approve(site, (SEPTEMBER, 3))
    with pytest.raises(UsageError, match=r"opens from version 2 of 2026-09, and readers see version 3. Make a version"):
        approve(site, (OCTOBER, 1))


@long
def test_a_month_that_was_built_on_a_version_that_is_withdrawn_is_not_approved(site: Site) -> None:
    approve(site, (SEPTEMBER, 1))
    late(site)
    close_plainly(site, [SEPTEMBER, OCTOBER], restate=True)
    steps.withdraw(site, SEPTEMBER, "the late invoice was a test")
    with pytest.raises(UsageError, match=r"opens from version 2 of 2026-09, and readers see version 1. Make a version"):
        approve(site, (OCTOBER, 1))
    # Closed again, it opens from the version that is left.
    close_plainly(site, [OCTOBER], restate=True)
    approve(site, (OCTOBER, 2))
    assert seen(site) == [(AUGUST, 1), (SEPTEMBER, 1), (OCTOBER, 2)]


@long
def test_an_approval_can_be_repeated_and_says_who_was_first(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    approve(site, (SEPTEMBER, 1))
    monkeypatch.setattr(people, "user_name", lambda: "berta")
    found = run_approve(site, Run("approve", [SEPTEMBER]), {SEPTEMBER: 1}, "again")
    assert [(one.is_new, one.approved_by) for one in found] == [(False, pwd.getpwuid(os.getuid()).pw_name)]
    assert [entry["kind"] for entry in ledger_entries(site)].count("approval") == 1


def test_four_eyes_want_another_person_whatever_the_environment_says(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = with_approval(site, four_eyes=True)
    for variable in ("USER", "LOGNAME", "USERNAME"):
        monkeypatch.setenv(variable, "berta")
    with pytest.raises(UsageError, match=r"closed this version, and .* wants somebody else to approve it"):
        approve(site, (SEPTEMBER, 1))
    assert seen(site) == [(AUGUST, 1)]

    approve(Site(site.directory, site.settings, "berta"), (SEPTEMBER, 1))

    (entry,) = (entry for entry in ledger_entries(site) if entry["kind"] == "approval")
    me = pwd.getpwuid(os.getuid())
    assert (entry["approved_by"], entry["approved_uid"], entry["approved_identity"]) == (me.pw_name, me.pw_uid, "berta")
    (close,) = (
        entry
        for entry in ledger_entries(site)
        if entry.get("period_month") == "2026-09-01" and entry["kind"] == "close"
    )
    assert entry["content_hash"] == close["content_hash"]
    assert (close["closed_uid"], close["needs_approval"]) == (me.pw_uid, True)


@long
def test_what_was_switched_off_publishes_new_versions_and_leaves_those_that_wait(site: Site) -> None:
    site = with_approval(site, approval=False)
    (outcome,) = close_plainly(site, [SEPTEMBER])
    assert (outcome.outcome, outcome.is_preliminary) == (Outcome.UNCHANGED, True)
    steps.publish(site)
    assert seen(site) == [(AUGUST, 1)]
    late(site)
    close_plainly(site, [SEPTEMBER], restate=True)
    assert seen(site) == [(AUGUST, 1), (SEPTEMBER, 2)]
    assert waiting(site) == []
    with pytest.raises(UsageError, match=r"was replaced by version 2, .* Readers see that one\. Keep it, or withdraw"):
        approve(site, (SEPTEMBER, 1))


@long
def test_a_withdrawal_needs_no_approval(site: Site) -> None:
    approve(site, (SEPTEMBER, 1))
    steps.withdraw(site, SEPTEMBER, "wrong prices")
    assert seen(site) == [(AUGUST, 1)]


def test_a_month_that_is_locked_keeps_its_version_and_the_difference_is_shown(site: Site) -> None:
    with pytest.raises(UsageError, match=r"2026-09 version 1 waits for approval\. Approve it first"):
        steps.set_lock(site, SEPTEMBER, "audited", is_locked=True)
    approve(site, (SEPTEMBER, 1))
    steps.set_lock(site, SEPTEMBER, "audited", is_locked=True)
    with pytest.raises(UsageError, match=r"2026-09 is locked by .* since 20.*: audited. It stays locked"):
        steps.set_lock(site, SEPTEMBER, "again", is_locked=True)
    with pytest.raises(UsageError, match=r"is locked by .*: audited. To open it: "):
        steps.withdraw(site, SEPTEMBER, "wrong")
    (outcome,) = close_plainly(site, [SEPTEMBER], restate=True)
    assert outcome.outcome is Outcome.UNCHANGED
    late(site)
    (outcome,) = close_plainly(site, [SEPTEMBER], restate=True)
    assert outcome.outcome is Outcome.LOCKED
    assert "It keeps version 1" in outcome.message
    assert [change.figure for change in outcome.changes], "the difference is shown"
    assert f"To open it: {signoff.unlock_command(site, SEPTEMBER)}" in outcome.next_steps

    steps.set_lock(site, SEPTEMBER, "the auditor agreed", is_locked=False)

    with pytest.raises(UsageError, match="2026-09 is not locked"):
        steps.set_lock(site, SEPTEMBER, "again", is_locked=False)
    (outcome,) = close_plainly(site, [SEPTEMBER], restate=True)
    assert (outcome.outcome, outcome.version) == (Outcome.CLOSED, 2)


@long
def test_a_later_month_opens_from_the_version_that_is_locked(site: Site) -> None:
    approve(site, (SEPTEMBER, 1))
    steps.set_lock(site, SEPTEMBER, "audited", is_locked=True)
    late(site)
    september, october = close_plainly(site, [SEPTEMBER, OCTOBER], restate=True)
    assert (september.outcome, october.outcome) == (Outcome.LOCKED, Outcome.CLOSED)
    approve(site, (OCTOBER, 1))
    with warehouse(site) as con:
        assert (
            json.loads(con.execute("SELECT manifest FROM ops.closes ORDER BY rowid DESC LIMIT 1").fetchall()[0][0])[
                "opened_from_version"
            ]
            == 1
        )


@pytest.mark.parametrize(("month", "message"), [(OCTOBER, "2026-10 is not closed, so there is nothing to lock")])
def test_a_month_that_is_not_closed_is_not_locked(signed_site: Site, month: date, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        steps.set_lock(signed_site, month, "audited", is_locked=True)


@long
def test_a_warehouse_made_again_knows_what_was_approved_and_locked(site: Site) -> None:
    approve(site, (SEPTEMBER, 1))
    steps.set_lock(site, SEPTEMBER, "audited", is_locked=True)
    with open_read_only(site) as con:
        before = decisions(con)
    lose_warehouse(site)
    assert rebuild(site).differences == []
    with open_read_only(site) as con:
        assert decisions(con) == before
    steps.publish(site)
    assert seen(site) == [(AUGUST, 1), (SEPTEMBER, 1)]
    assert all(proof.holds for proof in verify(site))


def decisions(con: Connection) -> list[list[dict[str, Any]]]:
    return [
        rows(con, f"FROM ops.{table} ORDER BY ALL")
        for table in ("approvals", "locks", "preliminary", "locked_months", "withdrawals")
    ]


@long
def test_rows_that_were_changed_after_the_close_are_not_approved(site: Site) -> None:
    with warehouse(site) as con:
        con.execute(
            "UPDATE marts.receivables_summary SET outstanding_amount = outstanding_amount + 1 WHERE period_month = DATE '2026-09-01'"
        )
    with pytest.raises(
        KamError, match=r"2026-09 version 1: its rows are not those that were closed, in receivables_summary\. Rebuild"
    ):
        approve(site, (SEPTEMBER, 1))
    assert waiting(site) == [(SEPTEMBER, 1, 0)]


@long
def test_other_content_than_was_approved_is_not_published_and_not_proved(site: Site) -> None:
    approve(site, (SEPTEMBER, 1))
    with warehouse(site) as con:
        con.execute("UPDATE ops.approvals SET content_hash = 'of something else'")
    with pytest.raises(KamError, match="2026-09 version 1: other content than was approved, so nothing is published"):
        steps.publish(site)
    assert seen(site) == [(AUGUST, 1), (SEPTEMBER, 1)], "readers keep what they see"
    entries = [
        entry | ({"content_hash": "0" * 64} if entry["kind"] == "approval" else {}) for entry in ledger_entries(site)
    ]
    site.ledger.write_text("".join(f"{json.dumps(entry)}\n" for entry in entries))
    (proof,) = verify(site, SEPTEMBER)
    assert proof.tables_hold
    assert not proof.holds
    assert "approved other content" in proof.approval_fault
