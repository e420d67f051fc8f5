"""`kam init --from`: a site begins with what is known of an ERP, and nothing of a site that is there is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from kam.ingest.readers.needs import reads_of
from kam.site import SCHEMA_FILE, find_site, known_presets, presets, write_site
from tests.cli import kam

SETTINGS = """#:schema ./<schema>
# Example ERP 3: its database.
#
# Not "env:NOT_THIS".

[site]
name = "<name>"

[feeds.orders]
database = "env:EXAMPLE_URL"
query_file = "queries/orders.sql"
"""


@pytest.fixture(autouse=True)
def _example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "presets" / "example"
    (folder / "queries").mkdir(parents=True)
    (folder / "kam.toml").write_text(SETTINGS)
    (folder / "queries" / "orders.sql").write_text("SELECT 1\n")
    monkeypatch.setattr(presets, "FOLDER", tmp_path / "presets")


def test_a_site_gets_the_settings_and_queries_of_the_preset(tmp_path: Path) -> None:
    made = kam("init", tmp_path / 'A "B"', "--from", "example")
    assert (made.returncode, made.stderr) == (0, "")
    assert "set EXAMPLE_URL to the address of the database, then: kam --site" in made.stdout
    site = find_site(tmp_path / 'A "B"')
    assert (site.settings.site.name, site.settings.feeds["orders"].query) == ('A "B"', "SELECT 1")
    assert (site.directory / SCHEMA_FILE).exists()
    assert (site.directory / "landing").is_dir()


@pytest.mark.parametrize(("name", "what"), [("kam.toml", "the site"), ("queries/orders.sql", "the file")])
def test_nothing_that_is_there_is_overwritten(tmp_path: Path, name: str, what: str) -> None:
    file = tmp_path / "books" / name
    file.parent.mkdir(parents=True)
    file.write_text("mine")
    refused = kam("init", tmp_path / "books", "--from", "example")
    assert refused.returncode == 2
    assert f"{file}: {what} already exists. Nothing was changed" in refused.stderr.replace("\n", "")
    assert [path.name for path in (tmp_path / "books").rglob("*") if path.is_file()] == [file.name]
    assert file.read_text() == "mine"


def test_an_unknown_name_lists_what_is_known(tmp_path: Path) -> None:
    refused = kam("init", tmp_path / "books", "--from", "exmple")
    assert refused.returncode == 2
    assert "Did you mean 'example'?" in refused.stderr
    assert "  example  Example ERP 3: its database." in refused.stderr
    assert not (tmp_path / "books").exists()


def test_the_help_lists_every_preset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    shown = kam("init", "--help").stdout
    assert [name for name in known_presets() if name not in shown] == []


def test_every_preset_says_in_a_line_what_it_is_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    for name, what in known_presets().items():
        assert len(what) < 100, name
        assert what.endswith("."), name


def test_every_preset_makes_a_site_whose_queries_say_what_they_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    for name in known_presets():
        write_site(tmp_path / name, name)
        for feed, source in find_site(tmp_path / name).settings.feeds.items():
            assert source.query is None or reads_of(source.query), (name, feed)
