"""The documents: what a reader needs is there, follows from the code, and links to what exists."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from kam.cli.reference import commands_page, exit_statuses
from kam.publish.docs import DOCS, NOTE
from kam.publish.lineage import lineage_page
from kam.publish.settings_reference import settings_page
from kam.site import ALERT_EVENTS, FEEDS, Settings, built_in_sets, settings_schema, write_site
from tests.support import REPOSITORY, settings_of

# What a column comes from is described with the key `columns`.
TABLES = settings_schema()["$defs"].keys() - {"ConstantColumn", "ComputedColumn"}


@pytest.mark.parametrize("table", sorted(TABLES))
def test_every_setting_has_a_meaning_and_is_on_the_page(table: str) -> None:
    described = settings_schema()["$defs"][table]
    title = described["description"].partition("`: ")[0]
    section = settings_page().partition(f"## {title}`\n")[2].partition("\n## ")[0]
    for name, key in described["properties"].items():
        assert key.get("description"), f"{title}: {name} has no description"
        assert f"| `{name}` |" in section, f"{title}: {name} is not in docs/settings.md"


def test_the_schema_takes_what_the_settings_take(tmp_path: Path) -> None:
    document = tomllib.loads(
        """
        [site]
        name = "Parts"
        [feeds.orders]
        files = ["a.csv", "b.csv"]
        csv = { date_format = ["%d.%m.%Y", "%Y-%m-%d"] }
        columns = { order_id = "Auftrag", currency = { value = "EUR" }, quantity = { sql = "as_number(Menge) * 1000" } }
        [feeds.invoices]
        database = "env:ERP_URL"
        query = "select * from sales where changed_at > :watermark"
        watermark = "changed_at"
        [receivables]
        loss_rates = { current = 0.003 }
        [rating]
        weights = { quality = 40, cost = 20, delivery = 20, development = 10, management = 10 }
        [checks."orders.has_rows"]
        severity = "off"
        [alerts.channels.data]
        url = "env:KAM_ALERTS"
        """
    )
    Settings.model_validate(document)
    jsonschema.validate(document, settings_schema())
    jsonschema.validate(tomllib.loads(write_site(tmp_path / "new").read_text(encoding="utf-8")), settings_schema())


@pytest.mark.parametrize(
    "wrong",
    [
        {"site": {"name": "Parts", "reporting_curency": "EUR"}},
        {"site": {}},
        {"site": {"name": "Parts"}, "feeds": {"order": {"files": "a.csv"}}},
        {"site": {"name": "Parts"}, "feeds": {"orders": {"files": "a.csv", "columns": {"ordr_id": "Nr"}}}},
        {"site": {"name": "Parts"}, "ingest": {"reject_share": 1.5}},
        {"site": {"name": "Parts"}, "alerts": {"channels": {"data": {"url": "mailto://a:b@c"}}}},
        {"site": {"name": "Parts"}, "corrections": []},
    ],
    ids=["unknown key", "no name", "unknown feed", "unknown column", "out of bounds", "url in the file", "elsewhere"],
)
def test_the_schema_refuses_what_the_settings_refuse(wrong: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, settings_schema())


def test_a_new_site_names_its_schema_for_editors(tmp_path: Path) -> None:
    file = write_site(tmp_path / "new")
    first = file.read_text(encoding="utf-8").splitlines()[0]
    assert (file.parent / first.removeprefix("#:schema ")).read_bytes() == (DOCS / "kam.schema.json").read_bytes()


def test_the_rating_rules_of_the_guide_can_be_copied() -> None:
    page = (DOCS / "operations" / "rating.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```toml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    for block in blocks:
        document = {"site": {"name": "Parts"}} | tomllib.loads(block)
        settings_of(document)
        jsonschema.validate(document, settings_schema())
    assert tomllib.loads(blocks[-1])["rating"]["sets"] == built_in_sets()


def test_the_page_of_commands_follows_from_the_command_line() -> None:
    assert (DOCS / "commands.md").read_text(encoding="utf-8") == NOTE + commands_page()


def test_every_exit_status_says_what_to_do() -> None:
    for page in ("operations/index.md", "operations/close.md"):
        described = re.findall(
            r"^\| (\d) \| .*\S.* \| .*\S.* \|$", (DOCS / page).read_text(encoding="utf-8"), re.MULTILINE
        )
        assert set(map(int, described)) == set(exit_statuses()), page


def test_lineage_names_every_feed_behind_a_table() -> None:
    row = next(line for line in lineage_page().splitlines() if line.startswith("| [receivables_ageing]"))
    # By way of its core models: documents, instalments, settlements, rates, months and names of accounts.
    assert re.findall(r"feeds\.md#(\w+)", row) == [
        name for name in FEEDS if name in {"accounts", "calendar", "fx_rates", "invoices", "instalments", "payments"}
    ]


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "benchmarks/README.md"])
def test_links_outside_the_site_of_the_docs_lead_somewhere(name: str) -> None:
    file = REPOSITORY / name
    for link in re.findall(r"\]\(([^)#\s]+)", file.read_text(encoding="utf-8")):
        assert link.startswith("https://") or (file.parent / link).exists(), f"{name}: {link}"


def test_the_runbook_has_every_exit_status_alert_and_state() -> None:
    runbook = (DOCS / "operations" / "runbook.md").read_text(encoding="utf-8")
    states = (DOCS / "operations" / "prefect.md").read_text(encoding="utf-8").partition("| state | type | when |")[2]
    rows = re.findall(r"^\| ([A-Z][^|]+) \| (?:completed|failed) \|", states.partition("\n\n")[0], re.MULTILINE)

    assert len(rows) > 5
    for state in ", ".join(rows).split(", "):
        assert re.search(rf"^\| [^|]*\b{state}\b", runbook, re.MULTILINE), state
    for status in exit_statuses():
        assert re.search(rf"^\| {status} \|", runbook, re.MULTILINE), status
    for event in ALERT_EVENTS:
        assert f"`{event}`" in runbook, event
