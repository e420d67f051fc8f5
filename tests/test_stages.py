"""Progress: a stage says what is done of what and for how long, live on a terminal and in one line elsewhere."""

from __future__ import annotations

import io
import logging
from collections.abc import Sequence

import pytest
from rich.console import Console

from kam.cli.progress import progress
from kam.stages import each, in_words


def shown(items: Sequence[str], *, is_terminal: bool) -> tuple[str, str]:
    """What the console and the console for stages show of a stage with these items, and of one other message."""
    texts, stages = io.StringIO(), io.StringIO()
    console = Console(file=texts, force_terminal=is_terminal, width=80, color_system=None)
    with console.status("") as status, progress(console, status, Console(file=stages)):
        for item in each("load", items, "feed"):
            if item == "orders":
                console.print(status.renderable)
                logging.getLogger("kam").info("orders: refused")
    return texts.getvalue(), stages.getvalue()


def test_a_terminal_shows_what_is_being_done_and_for_how_long() -> None:
    texts, stages = shown(["accounts", "orders", "invoices"], is_terminal=True)
    assert "load: 1 of 3 feeds: orders … 0 s" in texts
    assert "orders: refused" in texts
    assert stages == ""


def test_output_that_is_redirected_has_one_line_a_stage_beside_it() -> None:
    texts, stages = shown(["accounts", "orders"], is_terminal=False)
    assert stages == "load: 2 of 2 feeds, 0 s\n"
    assert "load: 2 of 2" not in texts


def test_a_stage_without_items_says_nothing() -> None:
    assert shown([], is_terminal=False) == ("", "")


@pytest.mark.parametrize(("seconds", "words"), [(0.9, "0 s"), (59.2, "59 s"), (185, "3 min 5 s")])
def test_a_time_is_told_in_minutes_and_seconds(seconds: float, words: str) -> None:
    assert in_words(seconds) == words


def test_a_stage_that_stops_half_way_is_not_told_as_done(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="kam")
    for month in each("commit", ["2026-05", "2026-06"], "month"):
        if month == "2026-05":
            break
    assert caplog.messages == ["commit: 0 of 2 months: 2026-05 …"]
