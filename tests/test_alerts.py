"""Alerts: what a run has to tell, to whom, once, and that it arrives; with a real mail server and real web servers."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from expectations import CheckResult, Severity
from expectations.rules import ALLOWED_FAILURES, Owner
from kam.alerts import channels, news, reason, writing_and_telling
from kam.alerts.harmless_text import harmless
from kam.alerts.queue import record
from kam.cli.check import check_site
from kam.cli.commands import app
from kam.close import Action, CloseReport, ControlTotal, MonthOutcome, MonthPlan, Outcome, Run, Terms
from kam.errors import KamError, SettingsError
from kam.ingest import LoadResult, LoadStatus
from kam.publish import Flags
from kam.site import Site, find_site, validate_settings
from kam.warehouse import literal, rows, warehouse, writing
from tests.receivers import Hook, Mailbox, certificate, dead_port, mail_server, silent_server, web_server
from tests.stores import file_store_only
from tests.support import long, write_site

MAY, JUNE, JULY = date(2026, 5, 1), date(2026, 6, 1), date(2026, 7, 1)
TOKEN, PASSWORD = "tok3nOfTheChannel", "pa55wordOfTheChannel"
TOTALS = "The lines of a document add up to its total."
HOSTILE = (
    "<!channel> <@U12345> @everyone @here !here>",
    "<http://evil.example/x|click> [click](http://evil.example)",
    "<at>bob</at> <b>b</b> &lt;!here&gt; &#64;here",
    "*bold* _italic_ `code` ~~gone~~ https://evil.example",
    "\\\\evil\\share www.evil.example mailto:thief@evil.example",
    "A\r\nBcc: thief@evil.example\r\n\r\n# heading",
    "\u202etxt.exe\u200b\x1b[31m\x00",
    "x" * 5000,
)


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channels, "_PAUSE_SECONDS", 0)


@pytest.fixture
def hook() -> Iterator[Hook]:
    with web_server() as started:
        yield started


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with mail_server() as started:
        yield started


@pytest.fixture
def make_site(site_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Site]:
    def make(*, events: Mapping[str, Sequence[str]] | None = None, name: str = "Books", **urls: str) -> Site:
        sections: dict[str, Any] = {"site": {"name": name}, "alerts": {"link": "https://books.example/q.html"}}
        for channel, url in urls.items():
            variable = f"TEST_{channel.upper()}"
            monkeypatch.setenv(variable, url)
            of_channel = {"events": (events or {})[channel]} if channel in (events or {}) else {}
            sections[f"alerts.channels.{channel}"] = {"url": f"env:{variable}", **of_channel}
        return write_site(site_folder, {}, feeds=["invoices"], settings=sections)

    return make


def json_url(hook: Hook) -> str:
    return f"json://127.0.0.1:{hook.port}/{TOKEN}"


def broken(
    count: int = 1,
    *,
    month: date | None = JUNE,
    name: str = "invoices.totals",
    severity: Severity = Severity.CRITICAL,
    keys: Sequence[Mapping[str, str]] = ({"period_month": "2026-06-01", "invoice_id": "I1"},),
) -> CheckResult:
    return CheckResult(
        name=name,
        suite="invoices",
        table="invoices",
        severity=severity,
        sentence=TOTALS,
        finding="{n} (document does not add up to its total|documents do not add up to their totals)",
        owner=Owner.RECEIVABLES,
        if_it_fails="sales are wrong; fix the document and close again.",
        threshold=ALLOWED_FAILURES,
        allowed_count=0,
        checked_count=10,
        checked_by_month={},
        failed_count=count,
        failed_by_month={} if month is None else {month: count},
        keys_by_month={month: keys},
    )


def failed_close(*checks: CheckResult, month: date = JUNE) -> Run:
    outcome = MonthOutcome(month, Outcome.FAILED, 0, "a critical check failed")
    return Run("close", [month], CloseReport(months=(outcome,), checks=checks or (broken(),)))


def good_close(*checks: CheckResult, month: date = JUNE, outcome: str = "closed") -> Run:
    return Run("close", [month], CloseReport(months=(MonthOutcome(month, Outcome(outcome), 1),), checks=checks))


def refused(reason: str = "landing/invoices.csv: no column invoice_id") -> LoadResult:
    return LoadResult("invoices", "landing/invoices.csv", LoadStatus.FAILED, message=reason)


LOADED = LoadResult("invoices", "landing/invoices.csv", LoadStatus.LOADED, 1)


def subjects(site: Site) -> list[str]:
    return [row["subject"] for row in query(site, "SELECT subject FROM ops.alerts ORDER BY alert_id")]


def query(site: Site, sql: str) -> list[dict[str, Any]]:
    with warehouse(site) as con:
        return rows(con, sql)


# What a message says.


@long
def test_a_failed_close_tells_what_failed_and_what_to_do(make_site: Callable[..., Site], hook: Hook) -> None:
    site = make_site(ops=json_url(hook))
    keys = [{"period_month": "2026-06-01", "invoice_id": f"I{number}", "net_amount": "60.00"} for number in range(5)]
    news.tell(site, failed_close(broken(1234, keys=keys)))
    (payload,) = hook.payloads
    assert payload["title"] == "Books: 2026-06 was not closed (critical)"
    assert payload["type"] == "failure"
    three = " ".join(f"(invoice_id I{number}, net_amount 60.00)" for number in range(3))
    assert payload["message"].splitlines() == [
        "2026-06 was not closed. What was published before is unchanged.",
        "",
        f"- 1,234 documents do not add up to their totals: {three}. [invoices.totals, Accounts receivable]",
        "  If it fails: sales are wrong; fix the document and close again.",
        "",
        f"Next: fix what is named above, then run again: kam --site {site.directory} close 2026-06",
        "",
        "Page: https://books.example/q.html#month-2026-06",
    ]


def test_many_rules_are_cut_and_counted(make_site: Callable[..., Site], hook: Hook) -> None:
    site = make_site(ops=json_url(hook))
    news.tell(site, failed_close(*(broken(name=f"invoices.rule_{number}") for number in range(13))))
    message = hook.payloads[0]["message"]
    assert message.count("not add up to its total") == 10
    assert "… and 3 more" in message
    assert message.count("If it fails:") == 3


def test_a_control_total_that_does_not_tie_is_named_with_its_first_account(
    make_site: Callable[..., Site], hook: Hook
) -> None:
    site = make_site(ops=json_url(hook))
    total = ControlTotal(
        JUNE, "buckets = open items", "EUR", Decimal(100), Decimal(90), Decimal(10), "critical", 2, "A <b>&amp;</b>",
        Decimal(60), Decimal(50), "ageing is wrong.",
    )  # fmt: skip
    outcome = MonthOutcome(JUNE, Outcome.FAILED, 0, "does not tie")
    news.tell(site, Run("close", [JUNE], CloseReport(months=(outcome,), controls=(total, replace(total, month=MAY)))))
    message = hook.payloads[0]["message"]
    assert "buckets = open items in EUR: 100 is not 90." in message
    assert "The first that does not tie is A ‹b›＆amp;‹/b›: 60 is not 50; 1 more." in message
    assert message.count("is not 90") == 1


def test_without_a_link_a_message_names_the_file(make_site: Callable[..., Site], hook: Hook) -> None:
    site = make_site(ops=json_url(hook))
    settings = site.settings.model_copy(update={"alerts": site.settings.alerts.model_copy(update={"link": None})})
    news.tell(Site(site.directory, settings), failed_close())
    page = site.published / "quality" / "index.html"
    assert hook.payloads[0]["message"].endswith(f"Page: {page}#month-2026-06")


def test_a_month_whose_inputs_changed_asks_for_a_restatement(make_site: Callable[..., Site], hook: Hook) -> None:
    site = make_site(ops=json_url(hook))
    message = "2026-06 is closed (version 1) and closing it now would give different figures.\n  load 7: 3 rows"
    outcome = MonthOutcome(JUNE, Outcome.CHANGED, 1, message, ("See what changes: x", "To make a new version: y"))
    news.tell(site, Run("close", [JUNE], CloseReport(months=(outcome,))))
    (payload,) = hook.payloads
    assert payload["title"] == "Books: 2026-06 was not closed again: its inputs changed (warning)"
    assert "- load 7: 3 rows" in payload["message"]
    assert "See what changes: x" not in payload["message"]  # the alert names its commands itself
    assert f'kam --site {site.directory} close 2026-06 --restate --reason "…"' in payload["message"]


# One message an event.


def test_the_same_failure_is_told_once_and_another_one_again(make_site: Callable[..., Site], hook: Hook) -> None:
    site = make_site(ops=json_url(hook))
    for run in (failed_close(), failed_close(), failed_close(broken(2)), failed_close(broken(2), broken(name="other"))):
        news.tell(site, run)
    assert subjects(site) == ["Books: 2026-06 was not closed (critical)"] * 3
    assert len(hook.payloads) == 3


def test_a_month_that_recovers_is_told_once_and_may_fail_again(make_site: Callable[..., Site], hook: Hook) -> None:
    site = make_site(ops=json_url(hook))
    for run in (failed_close(), good_close(), good_close(outcome="unchanged"), failed_close()):
        news.tell(site, run)
    assert [payload["type"] for payload in hook.payloads] == ["failure", "success", "failure"]
    recovered = hook.payloads[1]
    assert recovered["title"] == "Books: 2026-06 is good again (recovered)"
    assert "2026-06 was closed as version 1." in recovered["message"]
    assert "Fixed:\n- 2026-06: 1 document does not add up to its total." in recovered["message"]


def test_from_failed_to_warned_the_warning_tells_of_the_recovery(make_site: Callable[..., Site], hook: Hook) -> None:
    site = make_site(ops=json_url(hook))
    warning = broken(4, name="invoices.due", severity=Severity.WARNING)
    for run in (failed_close(), good_close(warning), good_close(warning), good_close()):
        news.tell(site, run)
    assert [payload["title"] for payload in hook.payloads] == [
        "Books: 2026-06 was not closed (critical)",
        "Books: 2026-06 was closed as version 1, with warnings (warning)",
        "Books: 2026-06 is good again (recovered)",
    ]
    assert "Recovered from failure: 2026-06. Fixed:" in hook.payloads[1]["message"]
    assert "4 documents do not add up to their totals" in hook.payloads[1]["message"]


def test_a_month_that_was_never_bad_says_nothing(make_site: Callable[..., Site], hook: Hook) -> None:
    site = make_site(ops=json_url(hook))
    news.tell(site, good_close(broken(severity=Severity.INFO)))
    assert subjects(site) == []
    assert hook.paths == []


def test_a_version_that_waits_is_told_once_with_the_command_and_again_when_it_is_approved(
    make_site: Callable[..., Site], hook: Hook
) -> None:
    site = make_site(ops=json_url(hook))
    waits = MonthOutcome(JUNE, Outcome.CLOSED, 2, is_preliminary=True, seen=1)
    for _ in range(2):
        run = Run("close", [JUNE], CloseReport(months=(waits,)))
        with writing_and_telling(site, run):
            pass
    approved = Run(
        "approve", [JUNE], CloseReport(months=(MonthOutcome(JUNE, Outcome.APPROVED, 2, "approved by anna"),))
    )
    with writing_and_telling(site, approved):
        pass

    assert [(payload["title"], payload["type"]) for payload in hook.payloads] == [
        ("Books: 2026-06 version 2 waits for approval (warning)", "warning"),
        ("Books: 2026-06 version 2 was approved by anna (good)", "success"),
    ]
    message = hook.payloads[0]["message"]
    assert "It is preliminary, and not published." in message
    assert "Readers see version 1." in message
    assert site.command("approve", '2026-06 --version 2 --comment "…"') in message
    assert hook.payloads[1]["message"].startswith("2026-06 version 2 was approved by anna. It is published.")


def test_a_backfill_is_one_message_for_all_of_its_months(make_site: Callable[..., Site], hook: Hook) -> None:
    site = make_site(ops=json_url(hook))
    checks = (broken(2, month=MAY), broken(3, month=JULY, name="invoices.other"))
    outcomes = (
        MonthOutcome(MAY, Outcome.FAILED, 0),
        MonthOutcome(JUNE, Outcome.CLOSED, 1),
        MonthOutcome(JULY, Outcome.FAILED, 0),
    )
    run = Run("backfill", [MAY, JUNE, JULY], CloseReport(months=outcomes, checks=checks))
    news.tell(site, run)
    news.tell(site, run)
    (payload,) = hook.payloads
    assert payload["title"] == "Books: backfill 2026-05 2026-07: 2 of 3 months failed (critical)"
    assert "- 2026-05: 2 documents do not add up" in payload["message"]
    assert "- 2026-07: 3 documents do not add up" in payload["message"]
    assert query(site, "SELECT event, period_months FROM ops.alerts") == [
        {"event": "backfill_failed", "period_months": [MAY, JULY]}
    ]


def test_a_month_that_a_backfill_leaves_alone_is_as_its_version_is(make_site: Callable[..., Site], hook: Hook) -> None:
    site = make_site(ops=json_url(hook))
    check = broken(4, name="invoices.due", severity=Severity.WARNING)
    news.tell(site, good_close(check))
    with warehouse(site) as con:
        con.execute(
            "INSERT INTO ops.checks VALUES ('2026-06-01', 1, 'invoices.due', 'invoices', 'invoices', 'warning', "
            f"{literal(TOTALS)}, 'x', 'x', false, 10, 4, '[]', 0, 'rows', NULL)"
        )
    left_alone = CloseReport(
        planned=(MonthPlan(JUNE, Action.SKIP, "up to date", 1),), months=(MonthOutcome(JUNE, Outcome.UNCHANGED, 1),)
    )
    news.tell(site, Run("backfill", [JUNE], left_alone))
    assert len(hook.payloads) == 1


def test_an_unchanged_month_is_as_its_version_is_published_whatever_a_new_rule_says(
    make_site: Callable[..., Site], hook: Hook
) -> None:
    site = make_site(ops=json_url(hook))
    new_rule = broken(4, name="site.new", severity=Severity.WARNING)
    news.tell(site, good_close(new_rule, outcome="unchanged"))
    assert hook.payloads == []


def test_a_message_about_warnings_leaves_out_months_that_were_told_before(
    make_site: Callable[..., Site], hook: Hook
) -> None:
    site = make_site(ops=json_url(hook))
    news.tell(site, good_close(broken(4, severity=Severity.WARNING)))
    outcomes = (MonthOutcome(JUNE, Outcome.CLOSED, 2), MonthOutcome(JULY, Outcome.CLOSED, 1))
    checks = (
        broken(4, severity=Severity.WARNING),
        broken(1, month=JULY, name="invoices.other", severity=Severity.WARNING),
    )
    news.tell(site, Run("backfill", [JUNE, JULY], CloseReport(months=outcomes, checks=checks)))
    assert hook.payloads[1]["title"] == "Books: 2026-07 was closed as version 1, with warnings (warning)"


def test_the_command_to_run_again_keeps_the_terms_of_the_run(make_site: Callable[..., Site], hook: Hook) -> None:
    site = make_site(ops=json_url(hook))
    run = failed_close()
    news.tell(site, Run(run.kind, run.months, run.report, Terms(restate=True, reason="late invoices")))
    assert f'kam --site {site.directory} close 2026-06 --restate --reason "…"' in hook.payloads[0]["message"]


@long
def test_a_refused_source_is_told_once_until_it_loads(make_site: Callable[..., Site], hook: Hook) -> None:
    site = make_site(ops=json_url(hook))
    for load in (refused(), refused(), refused("landing/invoices.csv: empty"), LOADED, LOADED, refused()):
        news.tell(site, Run("ingest", report=CloseReport(loads=(load,))))
    assert subjects(site) == [
        "Books: invoices was refused (critical)",
        "Books: invoices was refused (critical)",
        "Books: invoices: good again (recovered)",
        "Books: invoices was refused (critical)",
    ]
    assert "- invoices: landing/invoices.csv: no column invoice_id" in hook.payloads[0]["message"]
    assert "Page: https://books.example/q.html" in hook.payloads[0]["message"]


def test_a_refused_source_that_stops_a_close_is_one_message_for_both_events(
    make_site: Callable[..., Site], hook: Hook
) -> None:
    wants = {"loads": ["load_refused"], "closes": ["close_failed"], "backfills": ["backfill_failed"]}
    site = make_site(events=wants, **{name: f"{json_url(hook)}/{name}" for name in wants})
    news.tell(site, Run("close", [JUNE], CloseReport(loads=(refused(),)), stopped="landing/invoices.csv: no column"))
    assert sorted(path.rsplit("/", 1)[1] for path in hook.paths) == ["closes", "loads"]
    assert hook.payloads[0]["title"] == "Books: 2026-06 was not closed: invoices was refused (critical)"
    news.tell(site, replace(good_close(), report=replace(good_close().report, loads=(LOADED,))))
    assert subjects(site)[1:] == ["Books: 2026-06 is good again (recovered)"]


def test_an_error_that_stops_a_run_is_told_but_not_in_words_that_may_hold_a_secret(
    make_site: Callable[..., Site], hook: Hook
) -> None:
    site = make_site(ops=json_url(hook))
    news.tell(site, Run("close", [JUNE], stopped=reason(KamError("disk full <!channel>"))))
    news.tell(site, Run("backfill", [MAY, JUNE], stopped=reason(ValueError(f"postgresql://u:{PASSWORD}@h"))))
    first, second = hook.payloads
    assert first["title"] == "Books: 2026-06 was not closed (critical)"
    assert "- disk full ‹!channel›" in first["message"]
    assert second["title"] == "Books: backfill 2026-05 2026-06 stopped (critical)"
    assert "- unexpected ValueError" in second["message"]


# To whom.


def test_a_channel_gets_the_events_that_it_wants(make_site: Callable[..., Site], hook: Hook) -> None:
    site = make_site(events={"good": ["recovered"]}, good=f"{json_url(hook)}/good", bad=f"{json_url(hook)}/all")
    news.tell(site, failed_close())
    news.tell(site, good_close())
    assert sorted(path.rsplit("/", 1)[1] for path in hook.paths) == ["all", "all", "good"]


def test_without_channels_nothing_is_written(site_folder: Path) -> None:
    site = write_site(site_folder, {}, feeds=["invoices"])
    news.tell(site, failed_close())
    assert subjects(site) == []


# What arrives, for real, with names that try to do harm.


def hostile_run() -> Run:
    return failed_close(broken(2, keys=[{f"column_{number}": text for number, text in enumerate(HOSTILE)}]))


def require_harmless(text: str) -> None:
    """No service finds markup, a link but ours, a mention or a control character in it."""
    ours = text.replace("https://books.example/q.html#month-2026-06", "")
    assert "bold" in ours
    assert not re.search(r"[<>@*~|\\\x00-\x09\x0b-\x1f\u200b-\u200f\u202a-\u202e]", ours.replace("\r\n", "\n"))
    assert not re.search(r"://|www\.|\.example|\]\(|&\w+;|\b_italic|`code", ours)
    assert "# heading" not in [line.strip() for line in ours.splitlines()]
    assert len(ours) < 1500


def test_mail_arrives_as_plain_text(make_site: Callable[..., Site], mailbox: Mailbox) -> None:
    site = make_site(
        name=f"Bücher {HOSTILE[0]}\r\nBcc: x@y.example",
        mail=f"mailto://kam:{PASSWORD}@127.0.0.1:{mailbox.port}?from=kam@books.example&to=ann@books.example&mode=insecure",
    )
    news.tell(site, hostile_run())
    (mail,) = mailbox.mails
    assert mail.get_content_type() == "text/plain"
    assert mail["To"] == "ann@books.example"
    assert (mail["Bcc"], mail["Cc"]) == (None, None)
    assert mail["Subject"].startswith("Bücher ‹!channel› ‹＠U12345› ＠everyone ＠here !here› Bcc")
    assert mail["Subject"].endswith(": 2026-06 was not closed (critical)")
    require_harmless(mail.get_content())
    assert mailbox.logins == [f"\0kam\0{PASSWORD}"]
    assert PASSWORD.encode() not in mailbox.raw[0]


def test_slack_gets_no_mention_and_no_link_but_ours(
    make_site: Callable[..., Site], hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    from apprise.plugins.slack import NotifySlack

    # The real plugin; only the address that it has built in leads to the receiver.
    monkeypatch.setattr(NotifySlack, "webhook_url", f"http://127.0.0.1:{hook.port}/services")
    site = make_site(name="Books <!here>", ops=f"https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/{TOKEN}")
    news.tell(site, hostile_run())
    assert hook.paths == [f"/services/T1JJ3T3L2/A1BRTD4JD/{TOKEN}"]
    (attachment,) = hook.payloads[0]["attachments"]
    assert attachment["title"] == "Books ‹!here›: 2026-06 was not closed (critical)"
    require_harmless(attachment["text"])
    assert "https://books.example/q.html#month-2026-06" in attachment["text"]


def test_mattermost_which_takes_what_slack_takes(make_site: Callable[..., Site], hook: Hook) -> None:
    site = make_site(ops=f"mmost://127.0.0.1:{hook.port}/3ccdd113474722377935511fc85d3dd4")
    news.tell(site, hostile_run())
    assert hook.payloads[0]["text"].startswith("Books: 2026-06 was not closed (critical)\r\n2026-06 was not")
    require_harmless(hook.payloads[0]["text"])


def test_teams_gets_one_card_over_tls(make_site: Callable[..., Site], tmp_path: Path) -> None:
    with web_server(certificate(tmp_path)) as hook:
        site = make_site(ops=f"workflows://127.0.0.1:{hook.port}/workflow1/{TOKEN}?verify=no")
        run = hostile_run()
        more = tuple(broken(name=f"invoices.rule_{number}") for number in range(12))
        news.tell(site, replace(run, report=replace(run.report, checks=(*run.report.checks, *more))))
    (payload,) = hook.payloads
    card = payload["attachments"][0]["content"]
    title, body = (block["text"] for block in card["body"])
    assert hook.paths[0].startswith("/workflows/workflow1/triggers/manual/paths/invoke?")
    assert title == "Books: 2026-06 was not closed (critical)"
    assert card["msteams"] == {"width": "full"}, "no mention"
    assert len(body) > 1000
    assert "… and 3 more" in body
    assert not re.search(r"[<>@*]|\]\(", body)


def test_a_long_message_is_split_for_a_service_that_takes_2000_characters(
    make_site: Callable[..., Site], hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    from apprise.plugins.discord import NotifyDiscord

    monkeypatch.setattr(NotifyDiscord, "notify_url", f"http://127.0.0.1:{hook.port}/webhooks")
    site = make_site(ops=f"discord://{'1' * 18}/{TOKEN}")
    keys = [{"account_id": f"{number}{'x' * 70}"} for number in range(3)]
    news.tell(site, failed_close(*(broken(name=f"invoices.rule_{number}", keys=keys) for number in range(10))))
    contents = [payload["content"] for payload in hook.payloads]
    assert len(contents) > 1
    assert all(len(content) <= 2000 for content in contents)
    assert "Page: https://books.example/q.html#month-2026-06" in contents[-1]


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("landing/orders_2026-10.csv", "landing/orders_2026-10.csv"),
        ("Müller & Söhne GmbH", "Müller & Söhne GmbH"),
        ("-1,234.50", "-1,234.50"),
        ("a\r\nb\tc", "a b c"),
        ("x" * 100, f"{'x' * 59}…"),
        ("evil.zip", "evil․zip"),
        ("_a_b_", "＿a_b＿"),
        ("\ud800\ue000", "��"),
    ],
)
def test_a_value_stays_readable(given: str, shown: str) -> None:
    assert harmless(given) == shown


# A channel that is down.


def test_a_dead_channel_delays_the_message_and_nothing_else(
    make_site: Callable[..., Site], hook: Hook, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    site = make_site(up=json_url(hook), down=f"json://127.0.0.1:{dead_port()}/{TOKEN}")
    news.tell(site, failed_close())
    news.tell(site, failed_close(broken(2)))
    assert len(hook.payloads) == 2
    assert query(site, "FROM ops.alert_deliveries WHERE channel = 'down' ORDER BY alert_id") == [
        {"alert_id": 1, "channel": "down", "attempts": 6, "delivered_at": None, "last_error": "connection refused"},
        # After the first one failed, the second was not tried.
        {"alert_id": 2, "channel": "down", "attempts": 0, "delivered_at": None, "last_error": None},
    ]
    assert "Alert not delivered to down: connection refused. It is sent at the next run" in caplog.text

    monkeypatch.setenv("TEST_DOWN", f"{json_url(hook)}/fixed")
    news.tell(site, Run("publish"))
    late = [body for path, body in zip(hook.paths, hook.payloads, strict=True) if path.endswith("fixed")]
    assert ["1 document" in late[0]["message"], "2 documents" in late[1]["message"]] == [True, True], "the oldest first"
    assert re.search(
        r"Written on \d{4}-\d\d-\d\d at \d\d:\d\d UTC; it could not be delivered before", late[0]["message"]
    )
    assert query(site, "FROM ops.alert_deliveries WHERE delivered_at IS NULL") == []


def test_a_channel_is_tried_three_times(make_site: Callable[..., Site], hook: Hook) -> None:
    hook.status = 503
    site = make_site(ops=json_url(hook))
    news.tell(site, failed_close())
    assert len(hook.paths) == 3
    assert query(site, "SELECT attempts, last_error FROM ops.alert_deliveries") == [
        {"attempts": 3, "last_error": "the address answered with HTTP status 503"}
    ]


def test_servers_that_never_answer_cost_seconds_however_many(
    make_site: Callable[..., Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channels, "_PATIENCE_SECONDS", 1)
    with ExitStack() as stack:
        urls = {f"c{number}": f"json://127.0.0.1:{stack.enter_context(silent_server())}" for number in range(4)}
        site = make_site(**urls)
        start = time.monotonic()
        news.tell(site, failed_close())
        assert time.monotonic() - start < 5
    assert query(site, "SELECT DISTINCT last_error FROM ops.alert_deliveries") == [
        {"last_error": "no answer within 1 seconds"}
    ]


@file_store_only("the file cannot be opened; test_lake.py has a catalog that is away")
def test_a_message_is_sent_directly_when_the_warehouse_cannot_take_it(
    make_site: Callable[..., Site], hook: Hook, caplog: pytest.LogCaptureFixture
) -> None:
    site = make_site(ops=json_url(hook))
    site.warehouse.mkdir()
    news.tell(site, Run("close", [JUNE], stopped="warehouse.duckdb: cannot be opened"))
    assert [payload["title"] for payload in hook.payloads] == ["Books: 2026-06 was not closed (critical)"]
    assert "not affected" not in caplog.text


def test_an_error_in_alerting_is_logged_and_goes_no_further(
    make_site: Callable[..., Site], hook: Hook, caplog: pytest.LogCaptureFixture
) -> None:
    site = make_site(ops=json_url(hook))
    run = Run("close", [JUNE], CloseReport(months=(None,)))  # type: ignore[arg-type]
    news.tell(site, run)
    assert "Alerts: unexpected AttributeError. The run itself is not affected" in caplog.text


# Secrets and wrong addresses.


def test_no_log_and_no_table_shows_a_secret(
    make_site: Callable[..., Site],
    hook: Hook,
    mailbox: Mailbox,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    hook.status, mailbox.refuses = 401, f"535 no such password {PASSWORD}"
    # What is no header makes the HTTP library warn with the whole address.
    hook.headers = b"no header at all\r\n"
    site = make_site(
        web=json_url(hook).replace("json://", f"json://user:{PASSWORD}@"),
        mail=f"mailto://kam:{PASSWORD}@127.0.0.1:{mailbox.port}?from=k@b.example&to=a@b.example&mode=insecure",
        dead=f"jsons://user:{PASSWORD}@127.0.0.1:{dead_port()}/{TOKEN}",
        wrong=f"slack://{TOKEN}/x/{PASSWORD}!",
    )
    news.tell(site, failed_close())
    errors = {row["channel"]: row["last_error"] for row in query(site, "FROM ops.alert_deliveries")}
    assert errors["web"] == "the address answered with HTTP status 401"
    assert errors["mail"] == "the mail server answered with 535"
    assert errors["dead"] == "connection refused"
    assert errors["wrong"].startswith("kam.toml: alerts.channels.wrong.url: the environment variable TEST_WRONG holds")
    shown = caplog.text + "".join(capfd.readouterr())
    kept = [file.read_bytes() for file in site.directory.rglob("*") if file.is_file()]
    for secret in (TOKEN, PASSWORD):
        assert secret not in shown
        assert not any(secret.encode() in content for content in kept)


@long
def test_check_names_a_channel_without_a_usable_address(
    make_site: Callable[..., Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    site = make_site(ops="json://127.0.0.1:9", wrong=f"nonsense-{PASSWORD}", missing="")
    monkeypatch.delenv("TEST_MISSING")
    first, second = check_site(site).refused
    assert first.startswith("kam.toml: alerts.channels.wrong.url: the environment variable TEST_WRONG holds no URL")
    assert second.startswith("kam.toml: alerts.channels.missing.url: the environment variable TEST_MISSING is not set")
    result = CliRunner().invoke(app, ["--site", str(site.directory), "check"])
    assert result.exit_code == 1
    assert PASSWORD not in result.output


@pytest.mark.parametrize(
    "channels_section",
    [
        {"ops": {"url": f"slack://{PASSWORD}"}},
        {"ops": f"slack://{PASSWORD}"},
        {"ops": {"url": {"env": PASSWORD}}},
        {"ops": {"url": "env:A", "token": PASSWORD}},
    ],
)
def test_a_url_in_the_settings_is_refused_without_being_shown(channels_section: dict[str, Any]) -> None:
    document = {"site": {"name": "Books"}, "alerts": {"channels": channels_section}}
    with pytest.raises(SettingsError, match=r"kam.toml: alerts.channels.ops") as caught:
        validate_settings(document, Path("kam.toml"))
    assert PASSWORD not in str(caught.value)


def test_an_unknown_event_is_named_with_those_that_there_are() -> None:
    document = {"site": {"name": "B"}, "alerts": {"channels": {"ops": {"url": "env:A", "events": ["close_fails"]}}}}
    with pytest.raises(SettingsError, match=r"events.*'close_failed'.*'close_fails'"):
        validate_settings(document, Path("kam.toml"))


def test_alerts_decide_no_figure(make_site: Callable[..., Site], hook: Hook) -> None:
    site = make_site(ops=json_url(hook))
    plainly = site.settings.model_copy(update={"alerts": type(site.settings.alerts)()})
    month = date(2026, 10, 1)
    assert site.settings.definitions_hash(month) == plainly.definitions_hash(month)
    assert site.settings.definitions == plainly.definitions


# The commands.


def test_the_test_command_sends_one_message_to_every_channel(
    make_site: Callable[..., Site], hook: Hook, mailbox: Mailbox
) -> None:
    site = make_site(
        web=json_url(hook), mail=f"mailto://127.0.0.1:{mailbox.port}?from=k@b.example&to=a@b.example&mode=insecure"
    )
    result = CliRunner().invoke(app, ["--site", str(site.directory), "alerts", "test"])
    assert (result.exit_code, sorted(result.output.splitlines())) == (0, ["mail: delivered", "web: delivered"])
    assert [payload["title"] for payload in hook.payloads] == ["Books: test message"]
    assert [mail["Subject"] for mail in mailbox.mails] == ["Books: test message"]


def test_the_test_command_says_which_channel_does_not_work(make_site: Callable[..., Site], hook: Hook) -> None:
    site = make_site(up=json_url(hook), down=f"json://127.0.0.1:{dead_port()}")
    result = CliRunner().invoke(app, ["--site", str(site.directory), "alerts", "test"])
    assert result.exit_code == 1
    assert "up: delivered" in result.output
    assert "down: not delivered: connection refused" in result.output


def test_status_names_what_waits_and_send_delivers_it(
    make_site: Callable[..., Site], hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = make_site(ops=f"json://127.0.0.1:{dead_port()}")
    news.tell(site, failed_close())
    place = ["--site", str(site.directory)]
    status = CliRunner().invoke(app, [*place, "status"]).output
    assert "Books: 2026-06 was not closed (critical)" in status
    assert "connection refused" in status
    still = CliRunner().invoke(app, [*place, "alerts", "send"])
    assert (still.exit_code, "Still waiting" in still.output) == (1, True)
    monkeypatch.setenv("TEST_OPS", json_url(hook))
    assert CliRunner().invoke(app, [*place, "alerts", "send"]).exit_code == 0
    assert len(hook.payloads) == 1
    assert "Undelivered alerts" not in CliRunner().invoke(app, [*place, "status"]).output


def test_a_site_of_an_earlier_release_has_a_status(make_site: Callable[..., Site], hook: Hook) -> None:
    site = make_site(ops=json_url(hook))
    with warehouse(site) as con:
        con.execute("DROP TABLE ops.alert_deliveries")
    result = CliRunner().invoke(app, ["--site", str(site.directory), "status"])
    assert (result.exit_code, result.exception) == (0, None)


def test_without_channels_the_commands_say_so(site_folder: Path) -> None:
    write_site(site_folder, {}, feeds=["invoices"])
    result = CliRunner().invoke(app, ["--site", str(site_folder), "alerts", "test"])
    assert "no [alerts.channels.NAME] is declared" in str(result.exception)


def test_a_run_that_waited_in_vain_for_its_turn_is_told(make_site: Callable[..., Site], hook: Hook) -> None:
    from kam.errors import WarehouseBusyError

    site = make_site(ops=json_url(hook))
    toml = site.directory / "kam.toml"
    toml.write_text(toml.read_text() + "[run]\nbusy_timeout_seconds = 0\n")
    site = find_site(site.directory)
    with (
        writing(site, "close 2026-05"),
        pytest.raises(WarehouseBusyError),
        writing_and_telling(site, Run("close", [JUNE])),
    ):
        pass
    (payload,) = hook.payloads
    assert payload["title"] == "Books: 2026-06 was not closed (critical)"
    assert "still in use by close 2026-05" in payload["message"]


@pytest.mark.parametrize("command", ["test", "send"])
def test_each_command_explains_itself_with_an_example(command: str) -> None:
    shown = CliRunner().invoke(app, ["alerts", command, "--help"])
    assert f"Example: kam --site my-site alerts {command}" in shown.output


def test_a_channel_that_asks_for_flags_gets_those_of_its_managers_once(
    make_site: Callable[..., Site], hook: Hook
) -> None:
    site = make_site(events={"all": ["flags"]}, all=json_url(hook), other=json_url(hook))
    run = good_close()
    row = {"period_month": JUNE, "account_id": "A", "account_name": "Alpha", "rule": "no_visit", "severity": "warning"}
    shown = Flags(JUNE, 1, [
        row | {"account_manager": "Ito", "state": "raised", "sentence": "No visit for 91 days, limit 90 days"},
        row | {"account_manager": "Ito", "state": "continuing", "rule": "plan_gap", "sentence": "old"},
        row | {"account_manager": "Kim", "state": "cleared", "sentence": "Over: No visit for 1 days, limit 90 days"},
    ])  # fmt: skip
    with pytest.MonkeyPatch.context() as patch, writing(site, "close"), warehouse(site) as con:
        patch.setattr("kam.alerts.digests.newest_flags", lambda _: shown)
        found = news.alerts_of(con, site, run)
        record(con, site, found)
        # The same flags again, and another month, are no news.
        assert news.alerts_of(con, site, run) == []
        assert news.alerts_of(con, site, good_close(month=MAY)) == []
    assert [(alert.subject, alert.wanted_by(site.settings.alerts)) for alert in found] == [
        ("Books: 2026-06: 1 flag raised and 0 cleared for Ito", ["all"]),
        ("Books: 2026-06: 0 flags raised and 1 cleared for Kim", ["all"]),
    ]
    assert "Alpha (A): No visit for 91 days, limit 90 days [no_visit, warning]" in found[0].body
    assert "old" not in found[0].body
    of_kim = site.settings.alerts.channels["all"].model_copy(update={"account_managers": ("Kim",)})
    alerts = site.settings.alerts.model_copy(update={"channels": {"all": of_kim}})
    assert [alert.wanted_by(alerts) for alert in found] == [[], ["all"]]


def test_each_manager_is_told_once_a_month_which_accounts_need_attention_and_where_the_pages_are(
    make_site: Callable[..., Site], hook: Hook
) -> None:
    site = make_site(events={"all": ["attention"]}, all=json_url(hook))
    publish = site.settings.publish.model_copy(update={"pack": True, "link": "https://files.example/kam"})
    site = Site(site.directory, site.settings.model_copy(update={"publish": publish}))
    row = {
        "period_month": JUNE, "account_id": "A", "account_name": "Alpha", "account_manager": "Ito", "since": MAY,
        "rule": "no_visit", "severity": "warning", "state": "raised", "sentence": "No visit for 91 days, limit 90 days",
    }  # fmt: skip
    grave = {
        "account_id": "B",
        "account_name": "Beta",
        "severity": "critical",
        "state": "continuing",
        "sentence": "Over its limit",
    }
    shown = Flags(JUNE, 1, [
        row,
        row | grave,
        row | {"rule": "sales", "severity": "info", "sentence": "unusual"},
        row | {"account_manager": "Kim", "state": "cleared", "sentence": "Over"},
    ])  # fmt: skip
    with pytest.MonkeyPatch.context() as patch, writing(site, "close"):
        patch.setattr("kam.alerts.digests.newest_flags", lambda _: shown)
        news.tell(site, good_close())
        news.tell(site, good_close())
    (payload,) = hook.payloads
    assert payload["title"] == "Books: 2026-06: 2 accounts of Ito need attention"
    assert payload["message"] == (
        "2026-06: 2 accounts of Ito need attention.\n\n"
        "- Beta (B):\n  Over its limit (since 2026-05)\n"
        "- Alpha (A):\n  No visit for 91 days, limit 90 days\n\n"
        "Pages: https://files.example/kam/months/2026-06/index.html"
    )
