"""Settings: read once, and every error names the file, the key, what was expected and the nearest valid key."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from kam.errors import SettingsError, UsageError
from kam.site import find_site, validate_settings
from kam.site.site import load_settings
from tests.support import settings_of

SITE: dict[str, Any] = {"name": "Books"}


def _error(document: dict[str, Any]) -> str:
    with pytest.raises(SettingsError) as caught:
        validate_settings(document, Path("books/kam.toml"))
    return str(caught.value)


def test_all_wrong_settings_are_told_at_once_each_on_a_line() -> None:
    document = {
        "site": {"nam": "Books", "fiscal_year_start_month": 13},
        "feeds": {"order": {"files": "a.csv"}, "invoices": {"files": 5}},
    }
    lines = _error(document).splitlines()
    assert [line.split(": ")[1] for line in lines] == [
        "site.nam", "site.fiscal_year_start_month", "feeds.invoices.files", "[feeds.order]",
    ]  # fmt: skip
    columns = {"ordr_id": "Nr", "acount_id": "Kunde"}
    lines = _error(
        {"site": SITE, "feeds": {"orders": {"files": "a.csv", "columns": columns}, "odrers": {"files": "b"}}}
    ).splitlines()
    assert len(lines) == 3


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (
            {"site": {**SITE, "reporting_curency": "EUR"}},
            ["site.reporting_curency", "unknown key", "'reporting_currency'"],
        ),
        ({"site": SITE, "recievables": {}}, ["recievables", "'receivables'"]),
        ({"site": {}}, ["site.name", "missing"]),
        ({}, ["site", "missing"]),
        ({"site": SITE, "feeds": {"order": {"files": "a.csv"}}}, ["[feeds.order]", "'orders'"]),
        (
            {"site": SITE, "feeds": {"orders": {"files": "a.csv", "csv": {"delimeter": ";"}}}},
            ["feeds.orders.csv.delimeter", "'delimiter'"],
        ),
        (
            {"site": SITE, "feeds": {"orders": {"files": "a.csv", "columns": {"ordr_id": "Nr"}}}},
            ["feeds.orders.columns.ordr_id", "'order_id'"],
        ),
        ({"site": SITE, "feeds": {"orders": {}}}, ["feeds.orders", "exactly one of `files`, `sql` and `database`"]),
        ({"site": {**SITE, "fiscal_year_start_month": 13}}, ["site.fiscal_year_start_month", "12", "13"]),
        ({"site": {**SITE, "timezone": "Berlin"}}, ["site.timezone", "Europe/Berlin"]),
        (
            {"site": SITE, "feeds": {"orders": {"files": "a", "csv": {"encoding": "latin-99"}}}},
            ["encoding", "latin-99"],
        ),
        ({"site": SITE, "receivables": {"buckets": [60, 30]}}, ["receivables.buckets", "each larger"]),
        ({"site": SITE, "receivables": {"loss_rates": {"1-31": 0.1}}}, ["loss_rates", "'1-31'", "1-30"]),
        ({"site": SITE, "receivables": {"loss_rates": "roll_rates"}}, ["loss_rates"]),
        (
            {"site": SITE, "tax_forms": {"rates": {"C-form": 10}}},
            ["tax_forms.rates", "C-form", "less than or equal to 1"],
        ),
        ({"site": SITE, "forecast": {"steps": ["sales", "sales"]}}, ["steps", "each once"]),
        ({"site": SITE, "forecast": {"steps": ["naive", "sales"]}}, ["steps", "none of them 'naive'"]),
        ({"site": SITE, "rating": {"weights": {"quality": 50}}}, ["rating.weights", "100", "50"]),
        ({"site": SITE, "rating": {"accounts": {"A": {"bands": {"A": 90}}}}}, ["rating", "bands"]),
    ],
)
def test_an_error_names_the_key_and_what_was_expected(document: dict[str, Any], words: list[str]) -> None:
    message = _error(document)
    assert message.startswith("books/kam.toml: ")
    assert "\n" not in message
    for word in words:
        assert word in message


def test_toml_that_does_not_parse_names_the_line(tmp_path: Path) -> None:
    (tmp_path / "kam.toml").write_text('[site]\nname = "Books\n')
    with pytest.raises(SettingsError, match="line 2"):
        load_settings(tmp_path)


def test_rates_are_read_exactly_as_written() -> None:
    settings = validate_settings({"site": SITE, "receivables": {"loss_rates": {"current": 0.003}}}, Path("kam.toml"))
    assert settings.receivables.loss_rates == {"current": Decimal("0.003")}


def test_bucket_labels_follow_their_upper_bounds() -> None:
    settings = validate_settings({"site": SITE, "receivables": {"buckets": [15, 45]}}, Path("kam.toml"))
    assert settings.receivables.bucket_labels == ("current", "1-15", "16-45", "over 45")


def test_an_account_of_the_rating_changes_only_what_it_names() -> None:
    document = {"site": SITE, "rating": {"delivery_basis": "requested", "accounts": {"A": {"ppm_steps": [[10, 100]]}}}}
    rules = validate_settings(document, Path("kam.toml")).rating.rules_of("A", "2026-01")
    assert rules.ppm_steps == ((Decimal(10), Decimal(100)),)
    assert rules.delivery_basis == "requested"


def test_what_is_wrong_about_rating_rules_is_told_at_once_each_on_a_line() -> None:
    late = {"name": "late", "event": "late_line", "dimension": "delivery", "points": 5}
    rating = {
        "weights": {"quality": 60},
        "deductions": [late, late, late | {"name": "few", "at_most": 2}, late | {"name": "major", "severity": ["x"]}],
        "changes": [{"valid_from": "2026-10"}, {"valid_from": "2026-10"}, {"valid_from": "October"}],
        "sets": {"oem": {"weigths": {}, "changes": [{"delivery_basis": "asked"}]}, "default": {}},
        "accounts": {"A": {"set": "oen"}, "B": {"changes": [{"valid_from": "2026-10", "set": "report"}]}},
    }
    lines = _error({"site": SITE, "rating": rating}).splitlines()
    assert [line.split(": ")[1] for line in lines] == [
        "rating.sets.oem.weigths", "rating.weights", "rating.deductions.2", "rating.deductions.3",
        "rating.changes.2.valid_from", "rating.sets.oem.changes.0.delivery_basis",
        "rating.sets.oem.changes.0.valid_from", "rating.accounts.A.set", "rating.accounts.B.changes.0.set",
        "rating.sets.default",
    ]  # fmt: skip
    words = {0: "Did you mean 'weights'", 1: "not 60", 4: 'such as "2026-10"', 7: "'oem'", 8: "'report_card'"}
    for number, word in words.items():
        assert word in lines[number]


def test_a_misspelt_key_in_a_list_of_tables_names_the_nearest() -> None:
    late = {"name": "late", "evnt": "late_line", "dimension": "delivery", "points": 5}
    lines = _error({"site": SITE, "rating": {"deductions": [late], "changes": [{}]}}).splitlines()
    assert "rating.deductions.0.evnt: unknown key. Did you mean 'event'?" in lines[0]
    assert "rating.changes.0.valid_from: missing. Expected: the first month" in lines[1]


@pytest.mark.parametrize(
    ("rating", "words"),
    [
        ({"changes": [{"valid_from": "2026-10"}, {"valid_from": "2026-09"}]}, ["rating.changes", "2026-10, 2026-09"]),
        ({"accounts": {"A": {"changes": [{"valid_from": "2026-10"}] * 2}}}, ["accounts.A.changes", "each month once"]),
        (
            {"deductions": [{"name": "late", "event": "late_line", "dimension": "delivery", "points": 5}] * 2},
            ["rating.deductions", "two are called 'late'"],
        ),
        ({"only_deductions": ["cost", "cost"]}, ["only_deductions", "each once"]),
        ({"accounts": {"A": {"set": "from_100"}}}, ["rating.sets.from_100.deductions", "feed issues", "not declared"]),
    ],
    ids=["order", "twice", "names", "dimensions", "feed"],
)
def test_rating_rules_that_cannot_be_followed_are_refused(rating: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(SettingsError) as caught:
        settings_of({"rating": rating}, feeds=["orders"])
    for word in words:
        assert word in str(caught.value)


def test_rules_of_a_later_month_leave_the_hash_of_the_months_before_alone() -> None:
    september, october = date(2026, 9, 1), date(2026, 10, 1)
    plain = {"accounts": {"A": {"delivery_basis": "requested"}}}
    before = settings_of({"rating": plain})
    assert before.definitions_hash(september) == before.definitions_hash(october)
    # Three changes from October on: of the default rules, of an account, and of one that had no rules.
    later = [{"valid_from": "2026-10", "weights": {"quality": 100}}]
    named = [{"valid_from": "2026-10", "set": "strict"}]
    accounts = {"A": {"delivery_basis": "requested", "changes": named}, "B": {"changes": named}}
    sets = {"strict": {"ppm_steps": [[0, 100]]}}
    for rating in (plain | {"changes": later}, {"accounts": accounts, "sets": sets}):
        after = settings_of({"rating": rating})
        assert after.definitions_hash(september) == before.definitions_hash(september)
        assert after.definitions_hash(october) != before.definitions_hash(october)
        # What is written into the ledger gives the same rules again.
        again = validate_settings({**after.definitions, "feeds": {}}, Path("kam.toml"))
        assert again.rating == after.rating


def test_the_mapping_hash_changes_with_the_reading_and_not_with_the_place() -> None:
    def mapping_hash(**source: Any) -> str:
        return (
            validate_settings({"site": SITE, "feeds": {"orders": source}}, Path("kam.toml"))
            .feeds["orders"]
            .mapping_hash
        )

    assert mapping_hash(files="a.csv") == mapping_hash(files="b/*.csv")
    assert mapping_hash(files="a.csv") != mapping_hash(files="a.csv", csv={"decimal": ",", "delimiter": ";"})


def test_a_folder_that_is_no_site_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="kam init"):
        find_site(tmp_path)
    with pytest.raises(UsageError, match="no such folder"):
        find_site(tmp_path / "nowhere")


def test_the_site_comes_from_the_environment_when_none_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "kam.toml").write_text('[site]\nname = "From the environment"\n')
    monkeypatch.setenv("KAM_SITE", str(tmp_path))
    assert find_site(None).settings.site.name == "From the environment"


def test_a_sign_of_amounts_is_refused_for_a_feed_whose_rows_have_no_type() -> None:
    with pytest.raises(SettingsError, match=r'feeds\.sales_plan\.sign: "amount" needs a feed whose rows have a type'):
        settings_of({"feeds": {"sales_plan": {"files": "landing/plan.csv", "sign": "amount"}}}, feeds=())
