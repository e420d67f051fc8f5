"""The command line as a person meets it: help, wrong input, exit codes, and what the fast commands leave unimported."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from kam.cli.commands import app
from kam.cli.server import configured_server
from kam.site import Site, find_site
from kam.warehouse import warehouse
from tests.cli import kam
from tests.stores import lose_warehouse
from tests.support import REPOSITORY, ingest, long, mostly_long, write_csv, write_site

# DuckDB imports pandas for the parameters of a query.
PANDAS = ["pandas", "polars"]
COMMANDS = [command.callback.__name__ for command in app.registered_commands if command.callback]


@long
def test_the_command_is_a_program_of_its_own(site_folder: Path) -> None:
    write_site(site_folder, {}, feeds=["orders"])
    command = [sys.executable, "-m", "kam.cli", "--site", str(site_folder)]
    shown = subprocess.run([*command, "status"], capture_output=True, text=True, check=False, cwd=REPOSITORY)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "No month is closed yet" in shown.stdout
    wrong = subprocess.run([*command, "shut"], capture_output=True, text=True, check=False, cwd=REPOSITORY)
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "shut" in wrong.stderr


def test_help_lists_every_command() -> None:
    shown = kam("--help")
    assert shown.returncode == 0
    for command in COMMANDS:
        assert re.search(rf"^│ {command}\s", shown.stdout, re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_with_an_example(command: str) -> None:
    shown = kam(command, "--help")
    assert shown.returncode == 0
    assert (
        f"Example: kam {'--site my-site ' if command not in ('init', 'demo', 'sites') else ''}{command}" in shown.stdout
    )


@pytest.mark.parametrize(
    ("arguments", "more"),
    mostly_long(
        [(["--help"], PANDAS), (["status"], PANDAS), (["rejects"], PANDAS), (["ingest"], []), (["publish"], [])],
        in_every_run=2,
    ),
    ids=["help", "status", "rejects", "ingest", "publish"],
)
def test_fast_commands_import_neither_prefect_nor_great_expectations(
    arguments: list[str], more: list[str], site_folder: Path
) -> None:
    write_site(site_folder, {}, feeds=["orders"])
    assert imported(site_folder, arguments, ["prefect", "great_expectations", *more]) == ""


@long
def test_a_close_that_finds_nothing_changed_imports_neither_prefect_nor_great_expectations(site_folder: Path) -> None:
    invoice = {"invoice_id": "I1", "account_id": "A", "invoice_date": "2026-04-10", "net_amount": 100}
    write_site(site_folder, {"invoices": [invoice]}, feeds=["invoices"])
    assert "closed as version 1" in kam("--site", site_folder, "close", "2026-04").stdout
    assert imported(site_folder, ["close", "2026-04"], ["prefect", "great_expectations"]) == ""


def imported(site_folder: Path, arguments: list[str], slow: list[str]) -> str:
    """What of these packages a command imports, in a process of its own."""
    program = (
        "import sys, runpy, contextlib\n"
        f"sys.argv = ['kam', '--site', {str(site_folder)!r}, *{arguments!r}]\n"
        "with contextlib.suppress(SystemExit):\n"
        "    runpy.run_module('kam.cli', run_name='__main__')\n"
        f"sys.exit(', '.join({{*{slow!r}}} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=REPOSITORY)
    return done.stderr.splitlines()[-1] if done.returncode else ""


PROFILES = """
active = "team"
[profiles.team]
PREFECT_API_URL = "http://prefect.example.com:4200/api"
[profiles.local]
PREFECT_LOGGING_LEVEL = "INFO"
"""


@pytest.mark.parametrize(
    ("environment", "url", "named_by"),
    [
        ({}, "http://prefect.example.com:4200/api", "the profile team in "),
        ({"PREFECT_PROFILE": "local"}, "", ""),
        ({"PREFECT_API_URL": "http://other.example.com/api"}, "http://other.example.com/api", "PREFECT_API_URL"),
    ],
    ids=["active profile", "profile without a server", "variable"],
)
def test_a_server_is_found_where_prefect_finds_it(
    site_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    url: str,
    named_by: str,
) -> None:
    (tmp_path / "profiles.toml").write_text(PROFILES)
    for name, value in {"PREFECT_HOME": str(tmp_path), **environment}.items():
        monkeypatch.setenv(name, value)
    found = configured_server(write_site(site_folder, {}, feeds=["orders"]))
    assert (found.url, found.named_by.startswith(named_by)) == (url, True) if found else not url


WRONG_INPUT = [
    (["close", "2026-13"], 2, "'2026-13' is not a month"),
    (["close", "October"], 2, "'October' is not a month"),
    (["backfill", "2026-10", "2026-01"], 2, "the last month is before the first"),
    (["ingest", "--feed", "order"], 2, "Did you mean 'orders'?"),
    (["rejects", "--feed", "payments"], 2, "no such feed in this site"),
    (["close", "2026-01", "--restate"], 2, "a restatement needs a reason"),
]


@pytest.mark.parametrize(("arguments", "code", "words"), WRONG_INPUT, ids=[" ".join(case[0]) for case in WRONG_INPUT])
def test_wrong_input_gets_one_clear_line(arguments: list[str], code: int, words: str, site_folder: Path) -> None:
    write_site(site_folder, {}, feeds=["orders"])
    before = sorted(site_folder.rglob("*"))
    answer = kam("--site", site_folder, *arguments)
    assert (answer.returncode, answer.stdout) == (code, "")
    assert words in answer.stderr
    assert len(answer.stderr.splitlines()) == 1
    assert sorted(site_folder.rglob("*")) == before


def test_a_site_that_does_not_exist(tmp_path: Path) -> None:
    answer = kam("--site", tmp_path / "nowhere", "status")
    assert answer.returncode == 2
    assert "no such folder" in answer.stderr


def test_an_unknown_setting_names_the_nearest(site_folder: Path) -> None:
    (site_folder / "kam.toml").write_text('[site]\nname = "x"\nfiscal_year_start = 4\n')
    answer = kam("--site", site_folder, "status")
    assert answer.returncode == 2
    assert "kam.toml: site.fiscal_year_start: unknown key. Did you mean 'fiscal_year_start_month'?" in answer.stderr


def test_an_unknown_command_is_a_usage_error() -> None:
    assert kam("shut").returncode == 2


def test_init_makes_a_site_that_is_valid_as_it_is_and_never_overwrites(tmp_path: Path) -> None:
    assert kam("init", tmp_path / "books").returncode == 0
    assert kam("--site", tmp_path / "books", "check").returncode == 0
    again = kam("init", tmp_path / "books")
    assert again.returncode == 2
    assert "already" in again.stderr


def test_everything_in_the_scaffold_is_valid_when_uncommented(tmp_path: Path) -> None:
    kam("init", tmp_path / "books")
    file = tmp_path / "books" / "kam.toml"
    setting = re.compile(r"^# (\[[\w.]+\]|\w+ = )", re.MULTILINE)
    file.write_text(setting.sub(lambda match: match[1], file.read_text()))
    variables = {"KAM_ALERTS_ACCOUNTING": "json://127.0.0.1", "KAM_BI_URL": f"sqlite:///{tmp_path}/bi.db"}
    checked = kam("--site", tmp_path / "books", "check", **variables)
    assert checked.returncode == 0, checked.stderr
    assert "no file matches" in checked.stdout


@long
def test_check_shows_what_a_load_would_do_and_loads_nothing(site_folder: Path) -> None:
    write_site(
        site_folder,
        {"orders": [{"order_id": "007", "account_id": "A", "order_date": "2026-01-05", "quantity": 5}]},
        feeds=["orders"],
    )
    write_csv(
        site_folder / "landing" / "orders_bad.csv",
        ["order_id", "account_id", "order_date", "quantity"],
        [{"order_id": "8", "quantity": "x"}],
    )
    shown = kam("--site", site_folder, "check")
    assert shown.returncode == 0
    assert "orders landing/orders.csv: 1 rows, none to reject" in shown.stdout
    # One record with two faults.
    assert "1 rows, would reject 1 of them (1 × required, 1 × type)" in " ".join(shown.stdout.split())
    assert "1 of 1 rows would be rejected, more than [ingest] reject_share allows (1.0%)" in shown.stdout
    assert "007" in shown.stdout
    assert not (site_folder / "warehouse.duckdb").exists()


def test_check_ends_with_what_needs_work_and_fails_when_nothing_would_be_loaded(site_folder: Path) -> None:
    write_site(site_folder, {"accounts": [{"account_id": "A", "account_name": "Ada"}]}, feeds=["orders", "accounts"])
    (site_folder / "landing" / "orders.csv").write_text(ORDERS + "1,A,soon,5\n")
    shown = kam("--site", site_folder, "check")
    assert shown.returncode == 1
    assert "record 1: 'soon'" in shown.stdout
    assert "orders: every row would be rejected" in shown.stderr
    assert shown.stdout.endswith("1 of 2 feeds needs work: orders.\n")


def test_check_names_a_file_that_would_be_refused(site_folder: Path) -> None:
    write_site(site_folder, {}, feeds=["orders"])
    (site_folder / "landing" / "orders.csv").write_text("order_id;account_id\n1;A\n")
    shown = kam("--site", site_folder, "check")
    assert shown.returncode == 1
    assert 'csv = { delimiter = ";" }' in shown.stderr


def test_status_and_rejects_before_anything_is_loaded(site_folder: Path) -> None:
    write_site(site_folder, {}, feeds=["orders"])
    assert "No month is closed yet" in kam("--site", site_folder, "status").stdout
    assert "No row was rejected" in kam("--site", site_folder, "rejects").stdout


# Where no site is at hand: texts that are published or sent with the figures, and examples.
WITHOUT_A_SITE = ("kam/close/controls.py", "kam/publish/", "kam/cli/reference.py", "kam/site/scaffold.py")
A_COMMAND = re.compile(rf"\bkam ({'|'.join({*COMMANDS, 'alerts'} - {'init', 'demo'})})\b")


@long
def test_commands_in_messages_name_the_site() -> None:
    found = []
    for file in sorted((REPOSITORY / "kam").rglob("*.py")):
        name = file.relative_to(REPOSITORY).as_posix()
        tree = ast.parse(file.read_text(encoding="utf-8"))
        documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
        said = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, documented) and isinstance(node.body[0], ast.Expr)
        }
        calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
        said |= {id(key.value) for call in calls for key in call.keywords if key.arg in ("epilog", "help")}
        found += [
            f"{name}:{node.lineno}: {node.value}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in said
            and A_COMMAND.search(node.value)
            and not name.startswith(WITHOUT_A_SITE)
        ]
    assert found == []


ORDERS = "order_id,account_id,order_date,quantity\n"


def loaded_site(folder: Path, orders: str, mode: str = "upsert") -> Site:
    """A site whose one file of orders is loaded."""
    (folder / "landing").mkdir(exist_ok=True)
    (folder / "kam.toml").write_text(
        f'[site]\nname = "Books"\n[feeds.orders]\nfiles = "landing/*.csv"\nmode = "{mode}"\n'
    )
    (folder / "landing" / "a.csv").write_text(ORDERS + orders)
    site = find_site(folder)
    with warehouse(site) as con:
        ingest(con, site)
    return site


def test_rejects_are_listed_with_their_status_and_exported_to_be_fixed(site_folder: Path) -> None:
    loaded_site(site_folder, "1,A,soon,five\n2,A,2026-01-05,5\n")
    listed = kam("--site", site_folder, "rejects")
    assert re.search(r"order_date\s+type\s+open\s+1", listed.stdout)
    assert re.search(r"quantity\s+type\s+open\s+1", listed.stdout)
    assert re.search(r"Open: 1 rows\. To fix them: kam .* rejects --feed FEED --export FILE", listed.stdout)
    file = site_folder / "fix.csv"
    exported = kam("--site", site_folder, "rejects", "--export", file)
    assert exported.returncode == 0, exported.stderr
    assert exported.stdout.startswith("1 rows in ")
    assert file.read_text().splitlines()[1].startswith("1,A,soon,five,1-1,type,")
    again = kam("--site", site_folder, "rejects", "--export", file)
    assert again.returncode == 2
    assert "the file already exists" in again.stderr


def test_an_export_without_open_rejects_says_so(site_folder: Path) -> None:
    loaded_site(site_folder, "1,A,2026-01-05,5\n")
    file = site_folder / "fix.csv"
    assert "no reject is open" in kam("--site", site_folder, "rejects", "--feed", "orders", "--export", file).stdout
    unnamed = kam("--site", site_folder, "rejects", "--export", file)
    assert unnamed.returncode == 2
    assert "--feed" in unnamed.stderr
    assert not file.exists()


@long
def test_rebuild_brings_a_deleted_warehouse_back_and_replaces_one_only_by_force(site_folder: Path) -> None:
    site = loaded_site(site_folder, "1,A,2026-01-05,5\n")
    refused = kam("--site", site_folder, "rebuild")
    assert refused.returncode == 2
    assert f"{site.command('rebuild', '--force')}" in refused.stderr
    lose_warehouse(site)
    done = kam("--site", site_folder, "rebuild")
    assert done.returncode == 0, done.stderr
    assert "1 loads with 1 rows and 0 closed versions rebuilt" in done.stdout
    assert kam("--site", site_folder, "rebuild", "--force").returncode == 0


def test_rebuild_names_what_the_archive_lacks(site_folder: Path) -> None:
    site = loaded_site(site_folder, "1,A,2026-01-05,5\n")
    next(file for file in site.archive.glob("*/*") if file.is_file()).unlink()
    # Else it would be taken from there again.
    (site_folder / "landing" / "a.csv").unlink()
    refused = kam("--site", site_folder, "rebuild", "--force")
    assert refused.returncode == 1
    assert "landing/a.csv, load 1 of orders) is missing" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
