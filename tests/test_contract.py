"""Published columns are a contract: a change is listed, and the changelog names it."""

from __future__ import annotations

from tests.contract import (
    COMMAND,
    NOW,
    RELEASED,
    REPOSITORY,
    Contract,
    as_text,
    changes,
    from_text,
    from_the_code,
    unnamed,
    unreleased,
)

BEFORE: Contract = {
    "ageing": {"account_id": "VARCHAR", "amount": "DECIMAL(18,2)"},
    "visits": {"visit_id": "VARCHAR"},
}


def test_the_published_views_are_those_of_the_contract() -> None:
    listed, made = from_text(NOW.read_text(encoding="utf-8")), from_the_code()
    differences = list(changes(listed, made).values())
    assert as_text(made) == NOW.read_text(encoding="utf-8"), "\n".join(
        [
            f"the published views differ from tests/{NOW.name}:",
            *differences,
            f"Name each in the unreleased section of CHANGELOG.md, then rewrite the list: {COMMAND}",
        ]
    )


def test_the_changelog_names_every_change_since_the_last_release() -> None:
    released, now = (from_text(file.read_text(encoding="utf-8")) for file in (RELEASED, NOW))
    section = unreleased((REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8"))
    missing = unnamed(changes(released, now), section)
    assert not missing, "\n".join(
        ["the unreleased section of CHANGELOG.md does not name, as `view.column` in backticks:", *missing]
    )


def test_a_contract_reads_back_as_it_was_written() -> None:
    assert from_text(as_text(BEFORE)) == BEFORE


def test_every_kind_of_change_is_told_in_words() -> None:
    after: Contract = {
        "ageing": {"open_amount": "DECIMAL(18,2)", "account_id": "BIGINT"},
        "promises": {"visit_id": "VARCHAR"},
    }
    assert changes(BEFORE, after) == {
        "ageing.account_id": "ageing.account_id is BIGINT, was VARCHAR",
        "ageing.amount": "ageing.amount DECIMAL(18,2) is gone",
        "ageing.open_amount": "ageing.open_amount DECIMAL(18,2) is new",
        "promises": "promises is new",
        "visits": "visits is gone",
    }


def test_columns_in_another_order_are_a_change() -> None:
    after: Contract = {**BEFORE, "ageing": {"amount": "DECIMAL(18,2)", "account_id": "VARCHAR"}}
    assert changes(BEFORE, after) == {"ageing": "ageing has its columns in another order"}


def test_a_change_has_to_be_named_in_the_unreleased_section() -> None:
    differences = {"ageing.amount": "ageing.amount is gone", "visits": "visits is gone"}
    changelog = "# Changelog\n\n## 0.2.0 (unreleased)\n\n- `ageing.amount` went.\n\n## 0.1.0\n\n- `visits`\n"
    assert unnamed(differences, unreleased(changelog)) == ["visits is gone"]
    assert unnamed(differences, unreleased("# Changelog\n\n## 0.1.0\n\n- `visits`\n")) == list(differences.values())
