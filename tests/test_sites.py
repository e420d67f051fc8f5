"""A table of sites: what is refused in it, and the state of its sites for people."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from kam.cli import sites
from kam.errors import SettingsError
from kam.publish import PublishedMonth
from kam.site import ListedSite, Site, read_sites
from tests.support import write_site

NOW = datetime(2026, 12, 4, 9, 30, tzinfo=UTC)


def site_named(folder: Path, name: str) -> Site:
    folder.mkdir()
    return write_site(folder, {}, settings={"site": {"name": name, "timezone": "Europe/Paris"}}, feeds=[])


def table(folder: Path, text: str) -> Path:
    file = folder / "sites.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_site_has_the_defaults_of_the_table_and_the_time_zone_of_its_own(tmp_path: Path) -> None:
    site_named(tmp_path / "s", "Müller & Söhne")
    file = table(
        tmp_path,
        '[defaults]\npool = "north"\nclose = "0 8 4 * *"\n[sites.muller-sohne]\nfolder = "s"\ningest = ""\n',
    )

    (listed,) = read_sites(file)

    assert (listed.key, listed.folder) == ("muller-sohne", str(tmp_path / "s"))
    assert (listed.timezone, listed.pool, listed.queue) == ("Europe/Paris", "north", None)
    assert (listed.ingest, listed.close) == ("", "0 8 4 * *")


def test_every_fault_of_the_sites_is_named_at_once(tmp_path: Path) -> None:
    site_named(tmp_path / "s", "Leipzig")
    file = table(
        tmp_path,
        '[sites.lyon]\nfolder = "s"\n[sites.nowhere]\nfolder = "no"\n[sites.leipzig]\nfolder = "s"\ntimezone = "Saxony"\n',
    )

    with pytest.raises(SettingsError) as refused:
        read_sites(file)

    lines = str(refused.value).splitlines()
    assert lines[0] == f"{file}: sites.lyon: its name in kam.toml is 'Leipzig', so name it [sites.leipzig]"
    assert lines[1].startswith(f"sites.nowhere: {tmp_path / 'no'}: no such folder.")
    assert lines[2] == "sites.leipzig: 'Saxony' is no time zone. Write it as Europe/Berlin"


def test_an_unknown_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"sites\.lyon\.cron: Extra inputs are not permitted"):
        read_sites(table(tmp_path, '[sites.lyon]\nfolder = "s"\ncron = "0 7 3 * *"\n'))


def test_a_table_can_be_used_where_the_folders_of_its_sites_are_not(tmp_path: Path) -> None:
    file = table(tmp_path, '[sites.lyon]\nfolder = "/srv/lyon"\n')

    assert read_sites(file, checked=False) == [ListedSite("lyon", "/srv/lyon", pool="kam")]


def test_a_site_that_cannot_be_read_does_not_hide_the_others(tmp_path: Path) -> None:
    site = site_named(tmp_path / "s", "Leipzig")
    listed = [ListedSite("leipzig", str(site.directory)), ListedSite("lyon", str(tmp_path / "no"))]

    found = {one.name: one.to_do for one in sites.states(listed, NOW)}

    assert found["Leipzig"] == "no month is published"
    assert found["lyon"].startswith(f"it cannot be read: {tmp_path / 'no'}: no such folder.")


def state(site: Site, monkeypatch: pytest.MonkeyPatch, *months: int, failed: int | None = None) -> sites.SiteState:
    """The state of a site, on the fourth of December, that published these months of 2026."""
    closed_at = datetime(2026, 11, 3, 7, 1)
    seen = [PublishedMonth(date(2026, month, 1), 2, "warning", closed_at, "anna", "abc") for month in months]
    monkeypatch.setattr(sites, "published_months", lambda _: seen)
    found = [(date(2026, failed, 1), datetime(2026, 12, 3, 7, 0))] if failed else []
    monkeypatch.setattr(sites, "failed_months", lambda _: found)
    (one,) = sites.states([ListedSite(site.slug, str(site.directory))], NOW)
    return one


def test_the_state_of_a_site_says_what_readers_see_and_what_is_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = site_named(tmp_path / "s", "Leipzig")

    assert state(site, monkeypatch, 10, 11) == sites.SiteState(
        "Leipzig", "2026-11", "2", "warning", "2026-11-03 07:01", ""
    )
    assert state(site, monkeypatch, 10).to_do == "close 2026-11"
    assert (
        state(site, monkeypatch, 9, failed=10).to_do
        == "close 2 months: 2026-10 to 2026-11; 2026-10 failed on 2026-12-03"
    )
    assert state(site, monkeypatch).to_do == "no month is published"


def test_a_name_cannot_put_markup_into_the_page() -> None:
    found = [sites.SiteState("<script>x</script>", "2026-11", "1", "good", "2026-12-03 07:01", "close <b>2026-11</b>")]

    written = sites.page(found, NOW)

    assert "<script" not in written
    assert "<bdi>&lt;script&gt;x&lt;/script&gt;</bdi>" in written
    assert "<h1>1 site, 1 with something to do</h1>" in written
    assert "Made at 2026-12-04 09:30 UTC" in written
