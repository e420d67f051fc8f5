"""Suites as Great Expectations saves them: what each expectation means, what is refused, and that a close keeps to them."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from expectations import validate
from expectations.expected import EXPECTED, Wanted
from expectations.gx_files import suites_from_files
from expectations.rules import CheckResult, Rule, Severity, Suite
from expectations.site import require_valid, rules_hash, suites_of_feeds
from kam.errors import SettingsError
from kam.site import Site, find_site
from kam.warehouse import memory
from tests.support import REPOSITORY, close_plainly, long, published, write_site

JUNE = date(2026, 6, 1)
YAML = """
name: invoices of us
expectations:
  - type: expect_column_values_to_be_between
    kwargs:
      column: net_amount
      min_value: 50
    severity: warning
    description: No invoice is below 50.
    notes: Small invoices cost more than they bring; agree on a minimum order value.
    meta:
      owner: Sales desk
      name: small
"""


@pytest.fixture
def site(site_folder: Path) -> Site:
    site = write_site(site_folder, {"invoices": [invoice("I1", 100), invoice("I2", 40)]}, feeds=["invoices"])
    site.checks.mkdir()
    return site


def invoice(number: str, amount: int) -> dict[str, object]:
    return {"invoice_id": number, "line_no": 1, "account_id": "A", "invoice_date": "2026-06-10", "net_amount": amount}


def write(site: Site, text: str | Mapping[str, Any], name: str = "invoices.gx.yaml") -> Site:
    (site.checks / name).write_text(text if isinstance(text, str) else json.dumps(text), encoding="utf-8")
    return site


def expecting(type_: str, **kwargs: object) -> dict[str, Any]:
    return {"name": "own", "expectations": [{"type": type_, "kwargs": kwargs}]}


def refusal(site: Site, text: str | Mapping[str, Any], name: str = "invoices.gx.json") -> str:
    with pytest.raises(SettingsError) as error:
        require_valid(write(site, text, name))
    assert "\n" not in str(error.value)
    return str(error.value).removeprefix(f"{site.checks / name}: ")


# What is read.


def test_both_formats_say_the_same(site: Site) -> None:
    (of_yaml,) = suites_from_files(write(site, YAML))
    (site.checks / "invoices.gx.yaml").unlink()
    saved = {
        "expectations": [
            {
                "description": "No invoice is below 50.",
                "id": "4b0f2c9e-6f1b-4a56-8a53-5d6c1c2d3e4f",
                "kwargs": {"column": "net_amount", "min_value": 50},
                "meta": {"owner": "Sales desk", "name": "small"},
                "notes": ["Small invoices cost more than they bring; agree on a minimum order value."],
                "severity": "warning",
                "type": "expect_column_values_to_be_between",
            }
        ],
        "id": "9f9b8c1e-0000-4a56-8a53-5d6c1c2d3e4f",
        "meta": {"great_expectations_version": "1.24.1"},
        "name": "invoices of us",
        "notes": None,
    }
    (of_json,) = suites_from_files(write(site, saved, "invoices.gx.json"))
    assert of_yaml == of_json
    (rule,) = of_json.rules
    assert (rule.name, rule.severity, rule.owner) == ("site.invoices.small", Severity.WARNING, "Sales desk")
    assert rule.sentence == "No invoice is below 50."
    assert rule.if_it_fails == "Small invoices cost more than they bring; agree on a minimum order value."
    assert rule.keys == ("invoice_id", "line_no", "net_amount")


def test_without_a_severity_an_expectation_is_critical_as_in_great_expectations(site: Site) -> None:
    (suite,) = suites_from_files(
        write(site, expecting("expect_column_values_to_not_be_null", column="due_date"), "invoices.gx.json")
    )
    (rule,) = suite.rules
    assert (rule.name, rule.severity) == ("site.invoices.due_date_not_be_null", Severity.CRITICAL)
    assert rule.sentence == "Every due_date in invoices is given."


def test_a_feed_that_the_site_does_not_declare_is_not_checked(site: Site) -> None:
    write(site, expecting("expect_column_values_to_not_be_null", column="quantity"), "orders.gx.json")
    assert suites_from_files(site) == ()


def test_a_suite_may_name_a_result_table(site: Site) -> None:
    given = expecting("expect_column_values_to_be_between", column="outstanding_amount", min_value=0)
    (suite,) = suites_from_files(write(site, given | {"meta": {"table": "build.receivables_ageing"}}, "own.gx.json"))
    assert (suite.name, suite.table) == ("site.own", "build.receivables_ageing")


def test_an_edit_is_noticed_by_a_month_that_nothing_else_changed(site: Site) -> None:
    before = rules_hash(site)
    first = rules_hash(write(site, YAML))
    second = rules_hash(write(site, YAML.replace("min_value: 50", "min_value: 30")))
    assert len({before, first, second}) == 3


def test_kam_toml_turns_one_off(site: Site) -> None:
    write(site, YAML)
    file = site.directory / "kam.toml"
    file.write_text(
        f'{file.read_text(encoding="utf-8")}\n[checks."site.invoices.small"]\nseverity = "off"\n', encoding="utf-8"
    )
    again = find_site(site.directory)
    require_valid(again)
    assert "site.invoices" not in {suite.name for suite in suites_of_feeds(again)}


# What is refused, in one line.


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (expecting("expect_column_values_to_be_nul", column="due_date"), "expectation 1 (expect_column_values_to_be_nul): no such type, or none that runs here. Did you mean 'expect_column_values_to_be_null'?"),
        (expecting("expect_column_values_to_be_null", column="due_dat"), "core.invoices has no column 'due_dat'. Did you mean 'due_date'?"),
        (expecting("expect_column_values_to_be_null"), "kwargs: column is missing"),
        (expecting("expect_column_values_to_be_null", column="due_date", mosty=1), "no such key 'mosty'. Did you mean 'mostly'?"),
        (expecting("expect_column_values_to_be_null", column="due_date", mostly=2), "mostly: expected a share between 0 and 1"),
        (expecting("expect_column_values_to_be_between", column="net_amount"), "min_value and max_value are missing"),
        (expecting("expect_column_values_to_be_between", column="net_amount", min_value="much"), "much"),
        (expecting("expect_column_values_to_be_between", column="net_amount", min_value=float("inf")), "expected a number, a text or a date"),
        (expecting("expect_column_values_to_be_between", column="net_amount", min_value={"$PARAMETER": "x"}), "parameters ($PARAMETER) are not read"),
        (expecting("expect_column_values_to_be_in_set", column="currency", value_set="EUR"), "value_set: expected a list of values"),
        (expecting("expect_column_values_to_match_regex", column="invoice_id", regex="("), "missing )"),
        (expecting("expect_column_values_to_be_null", column="due_date", row_condition='col("x")', condition_parser="spark"), "row_condition is not read"),
        ({"expectations": [{"type": "expect_column_values_to_be_null", "kwargs": {"column": "due_date"}, "severity": "bad"}]}, "severity: expected one of critical, warning, info, not 'bad'"),
        ({"expectations": [{"tipe": "x"}]}, "tipe: no such key of an expectation. Did you mean 'type'?"),
        ({"expectation": []}, "expectation: no such key of a suite. Did you mean 'expectations'?"),
        ({"name": "x"}, "expectations: expected a list"),
        ([], "expected a suite, as Great Expectations saves it"),
        ("{", "is no JSON"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_one_line(site: Site, given: Any, message: str) -> None:
    assert message in refusal(site, given)


def test_a_file_named_after_no_table_says_which_is_meant(site: Site) -> None:
    assert "no feed or result table is called 'invoises'. Did you mean 'invoices'?" in refusal(
        site, YAML, "invoises.gx.yaml"
    )


def test_two_files_of_one_name_and_two_equal_expectations_are_refused(site: Site) -> None:
    twice = expecting("expect_column_values_to_be_null", column="due_date")
    assert "expects the same as another one" in refusal(site, twice | {"expectations": twice["expectations"] * 2})
    write(site, twice, "invoices.gx.json")
    assert "invoices.gx.json is of the same name" in refusal(site, YAML, "invoices.gx.yaml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "is no YAML"),
        ("a: !!python/object/apply:os.system ['touch /tmp/owned']", "is no YAML"),
        ("name: &x own\nexpectations: [*x]", "aliases (*name) are not read"),
    ],
)
def test_yaml_is_read_as_plain_data(site: Site, text: str, message: str) -> None:
    assert message in refusal(site, text, "invoices.gx.yaml")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("DELETE FROM {batch}", "expected one SELECT"),
        ("SELECT * FROM {batch}; DROP TABLE batch", "expected one SELECT"),
        ("SELECT * FROM {batch}, read_text('/etc/hostname')", "and nothing else"),
        ("SELECT * FROM {batch} JOIN staging.orders USING (account_id)", "and nothing else"),
        ("SELECT count(*) FROM {batch}", "the SELECT has no column 'period_month'"),
        ("SELECT 1", "FROM {batch}"),
        (7, "FROM {batch}"),
    ],
)
def test_a_query_is_one_select_of_its_own_rows(site: Site, query: object, message: str) -> None:
    assert message in refusal(site, expecting("unexpected_rows_expectation", unexpected_rows_query=query))


# What each type means, and that it is what Great Expectations means.

ROWS = [
    # a, b, name
    (1, 1, "AB"), (2, 1, "AB"), (2, 5, "ABC"), (None, 3, None), (9, None, "x"), (None, None, None),
]  # fmt: skip
CASES: Sequence[tuple[str, dict[str, Any], int]] = [
    ("expect_column_values_to_not_be_null", {"column": "a"}, 2),
    ("expect_column_values_to_not_be_null", {"column": "a", "mostly": 0.66}, 0),
    ("expect_column_values_to_not_be_null", {"column": "a", "mostly": 0.67}, 2),
    ("expect_column_values_to_be_null", {"column": "a"}, 4),
    ("expect_column_values_to_be_unique", {"column": "a"}, 2),
    ("expect_column_values_to_be_in_set", {"column": "a", "value_set": [1, 2]}, 1),
    ("expect_column_values_to_be_in_set", {"column": "a", "value_set": [1, 2], "mostly": 0.75}, 0),
    ("expect_column_values_to_not_be_in_set", {"column": "name", "value_set": ["AB"]}, 2),
    ("expect_column_values_to_be_between", {"column": "a", "min_value": 2}, 1),
    ("expect_column_values_to_be_between", {"column": "a", "min_value": 1, "max_value": 9, "strict_max": True}, 1),
    ("expect_column_value_lengths_to_be_between", {"column": "name", "min_value": 2, "max_value": 2}, 2),
    ("expect_column_value_lengths_to_equal", {"column": "name", "value": 2}, 2),
    ("expect_column_values_to_match_regex", {"column": "name", "regex": "^A.$"}, 2),
    ("expect_column_values_to_not_match_regex", {"column": "name", "regex": "C"}, 1),
    ("expect_column_values_to_match_like_pattern", {"column": "name", "like_pattern": "A%"}, 1),
    ("expect_column_values_to_not_match_like_pattern", {"column": "name", "like_pattern": "A%"}, 3),
    ("expect_column_distinct_values_to_be_in_set", {"column": "name", "value_set": ["AB", "ABC"]}, 1),
    ("expect_column_distinct_values_to_contain_set", {"column": "name", "value_set": ["AB", "Z"]}, 1),
    ("expect_column_min_to_be_between", {"column": "a", "min_value": 1}, 0),
    ("expect_column_max_to_be_between", {"column": "a", "max_value": 8}, 1),
    ("expect_column_mean_to_be_between", {"column": "a", "min_value": 3.5, "max_value": 3.5}, 0),
    ("expect_column_median_to_be_between", {"column": "a", "min_value": 3}, 1),
    ("expect_column_sum_to_be_between", {"column": "a", "min_value": 14, "strict_min": True}, 1),
    ("expect_column_stdev_to_be_between", {"column": "a", "max_value": 3.7}, 0),
    ("expect_column_unique_value_count_to_be_between", {"column": "a", "min_value": 4}, 1),
    ("expect_column_proportion_of_unique_values_to_be_between", {"column": "a", "min_value": 0.75}, 0),
    ("expect_column_proportion_of_non_null_values_to_be_between", {"column": "a", "min_value": 0.7}, 1),
    ("expect_column_pair_values_a_to_be_greater_than_b", {"column_A": "a", "column_B": "b"}, 4),
    ("expect_column_pair_values_a_to_be_greater_than_b", {"column_A": "a", "column_B": "b", "or_equal": True, "ignore_row_if": "either_value_is_missing"}, 1),
    ("expect_column_pair_values_to_be_equal", {"column_A": "a", "column_B": "b", "ignore_row_if": "either_value_is_missing"}, 2),
    ("expect_compound_columns_to_be_unique", {"column_list": ["b", "name"]}, 2),
    ("expect_multicolumn_sum_to_equal", {"column_list": ["a", "b"], "sum_total": 2, "ignore_row_if": "any_value_is_missing"}, 2),
    ("expect_table_row_count_to_be_between", {"min_value": 7}, 1),
    ("expect_table_row_count_to_equal", {"value": 6}, 0),
    ("expect_column_to_exist", {"column": "a"}, 0),
    ("unexpected_rows_expectation", {"unexpected_rows_query": "SELECT * FROM {batch} WHERE a > 8"}, 1),
]  # fmt: skip


def judged(cases: Sequence[tuple[str, dict[str, Any], int]]) -> list[CheckResult]:
    """The results of these expectations over the rows above, which are of June."""
    rules = []
    for number, (type_, kwargs, _) in enumerate(cases):
        made = EXPECTED[type_].make(Wanted("things", kwargs, has_months=True))
        rules.append(
            Rule(
                name=f"site.things.{number}", sentence=made.sentence, finding=made.finding, owner="us", failing=made.failing,
                severity=Severity.WARNING, if_it_fails="x", keys=made.keys or ("a", "b"),
            )
        )  # fmt: skip
    with memory() as con:
        con.execute("CREATE SCHEMA build; CREATE TABLE build.periods AS SELECT DATE '2026-06-01' AS period_month")
        con.execute("CREATE TABLE things (period_month DATE, a INTEGER, b INTEGER, name VARCHAR)")
        con.executemany("INSERT INTO things VALUES ('2026-06-01', ?, ?, ?)", ROWS)
        return validate(con, [Suite(name="things", table="things", batch="SELECT * FROM things", rules=tuple(rules))])


@long
def test_each_type_finds_the_rows_that_break_it() -> None:
    assert {type_ for type_, *_ in CASES} == EXPECTED.keys()
    found = [
        (type_, kwargs, result.failed_in(JUNE)) for (type_, kwargs, _), result in zip(CASES, judged(CASES), strict=True)
    ]
    assert found == list(CASES)


@long
def test_each_type_means_what_great_expectations_means() -> None:
    """The library judges the same rows, in pandas, where it has all types."""
    import great_expectations as gx

    pd = pytest.importorskip("pandas")

    data = pd.DataFrame(
        {"a": pd.array([row[0] for row in ROWS], dtype="Float64").to_numpy(float, na_value=float("nan")),
         "b": pd.array([row[1] for row in ROWS], dtype="Float64").to_numpy(float, na_value=float("nan")),
         "name": [row[2] for row in ROWS]}
    )  # fmt: skip
    context = gx.get_context(mode="ephemeral")
    asset = context.data_sources.add_pandas("p").add_dataframe_asset("things")
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": data})
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    # Of SQL only, and like patterns that pandas does not have.
    left_out = ("unexpected_rows_expectation", "like_pattern")
    compared = [case for case in CASES if not case[0].endswith(left_out)]
    for type_, kwargs, failed in compared:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            outcome = batch.validate(ExpectationConfiguration(type=type_, kwargs=kwargs).to_domain_obj())
        assert outcome.success == (failed == 0), (type_, kwargs, outcome.result)
        if failed and "unexpected_count" in outcome.result:
            assert outcome.result["unexpected_count"] == failed, (type_, kwargs)


def test_the_documentation_names_every_type() -> None:
    text = (REPOSITORY / "docs" / "operations" / "checks.md").read_text(encoding="utf-8")
    assert [type_ for type_ in EXPECTED if f"`{type_}`" not in text] == []


# In a close.


@long
def test_a_warning_marks_a_month_and_is_kept_as_every_rule_is(site: Site) -> None:
    (outcome,) = close_plainly(write(site, YAML), [JUNE], with_checks=True)
    assert outcome.outcome == "closed"
    (row,) = published(site, "FROM reporting.data_quality WHERE check_name = 'site.invoices.small'")
    assert (row["success"], row["failed_count"], row["checked_count"]) == (False, 1, 2)
    assert row["finding"] == "1 of 2 rows of invoices has a net_amount out of its bounds"
    assert json.loads(row["sample_keys"])[0]["invoice_id"] == "I2"
    page = (site.published / "quality" / "index.html").read_text(encoding="utf-8")
    assert "1 of 2 rows of invoices has a net_amount out of its bounds" in page


@long
def test_a_critical_one_stops_the_month(site: Site) -> None:
    (outcome,) = close_plainly(
        write(site, YAML.replace("severity: warning", "severity: critical")), [JUNE], with_checks=True
    )
    assert outcome.outcome == "failed"
    assert "1 of 2 rows of invoices has a net_amount out of its bounds: (invoice_id I2, line_no 1" in outcome.message
