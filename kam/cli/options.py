"""Options and arguments that several commands share."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    pass


# Their names only: what each is for takes reading them, and this runs at the start of each command.
_PRESETS = sorted(folder.name for folder in (Path(__file__).parents[1] / "presets").iterdir() if folder.is_dir())


class LogFormat(StrEnum):
    """How messages are written."""

    TEXT = "text"
    JSON = "json"


class StoreKind(StrEnum):
    """Where loads and versions are stored."""

    FILE = "file"
    DUCKLAKE = "ducklake"


SiteOption = Annotated[
    Path | None,
    typer.Option(
        "--site",
        metavar="DIR",
        help="The site's folder. Default: the one that KAM_SITE names, else the current folder.",
    ),
]
FeedOption = Annotated[str | None, typer.Option("--feed", metavar="FEED", help="Only this feed.")]
FromOption = Annotated[
    str | None,
    typer.Option("--from", metavar="NAME", help=f"Begin with what is known of an ERP: {', '.join(_PRESETS)}."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Write one JSON document, for other programs.")]
RestateOption = Annotated[
    bool, typer.Option("--restate", help="Make a new version of a closed month whose inputs changed.")
]
ReasonOption = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; kept in reporting.closes.")]
LockReasonOption = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; kept in the ledger.")]
AcceptShrinkOption = Annotated[
    bool,
    typer.Option("--accept-shrink", help="Load a full extract even when it lacks most of the current rows."),
]
AcceptChangesOption = Annotated[
    bool,
    typer.Option(
        "--accept-changes",
        help="Load a file even when it turns documents into other ones, or lacks columns that the feed had until now.",
    ),
]
AsOfLoadOption = Annotated[
    int | None,
    typer.Option("--as-of-load", metavar="N", help="Use only what was known at load N; loads nothing."),
]
AsKnownOnOption = Annotated[
    datetime | None,
    typer.Option(
        "--as-known-on",
        metavar="DATE",
        formats=["%Y-%m-%d"],
        help="Use only what was known at the end of that day; loads nothing.",
    ),
]
EvenThoughOption = Annotated[
    str,
    typer.Option(
        "--even-though",
        metavar="TEXT",
        help="Close a month that is not ready, and why; kept in reporting.closes.",
    ),
]
Month = Annotated[str, typer.Argument(metavar="MONTH", help="A month, such as 2026-10.")]
