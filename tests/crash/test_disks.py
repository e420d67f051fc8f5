"""Disks that are full or take no writes: one line says which and what to do, and with room again all comes out right."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.crash import books
from tests.crash.harness import Sites

Mount = Callable[[Path, str], None]


@pytest.fixture
def mount() -> Iterator[Mount]:
    """Put a small disk with these options over a folder, with what is in the folder; it is taken away after the test."""
    mounted: list[Path] = []

    def put(folder: Path, options: str) -> None:
        folder.mkdir(exist_ok=True)
        kept = folder.with_name(f"{folder.name}-before")
        shutil.copytree(folder, kept)
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("mounting a small disk is not permitted here")
        mounted.append(folder)
        shutil.copytree(kept, folder, dirs_exist_ok=True)
        shutil.rmtree(kept)

    yield put
    for folder in reversed(mounted):
        subprocess.run(["umount", str(folder)], check=True)  # noqa: S607


def remount(folder: Path, option: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{option}", str(folder)], check=True)  # noqa: S607


def fill(folder: Path, leave: int) -> Path:
    """Fill the disk up to this many bytes, by a file that can be removed again."""
    disk = os.statvfs(folder)
    ballast = folder / "ballast"
    ballast.write_bytes(bytes(disk.f_bavail * disk.f_frsize - leave))
    return ballast


# What is full, how many bytes are left, and what the message has to say.
FULL_DISKS = [
    ("ingest", ".", 0, ["warehouse.duckdb", "run the command again"]),
    ("ingest", "archive", 0, ["archive: cannot be written to", "run the command again"]),
    ("close", ".", 100_000, ["warehouse.duckdb.wal", "run the command again"]),
    ("publish", "published", 1_000_000, ["published: cannot be written to", " publish"]),
]


@pytest.mark.parametrize(("command", "folder", "leave", "said"), FULL_DISKS)
def test_a_full_disk_is_named_and_with_room_again_the_run_comes_out_right(
    sites: Sites, mount: Mount, command: str, folder: str, leave: int, said: list[str]
) -> None:
    trial = sites.trial(command)
    site = trial.site()
    mount(site / folder, "size=160m")
    ballast = fill(site / folder, leave)
    run = sites.runner.run(site, command)
    assert run.status == 1
    assert "No space left on device" in run.message
    assert "Traceback" not in run.message
    assert [text for text in said if text not in run.message] == []
    assert books.published(site) == trial.former
    ballast.unlink()
    trial.rerun(site)


def test_a_close_whose_folder_takes_no_writes_is_committed_and_published_by_the_next_one(
    sites: Sites, mount: Mount
) -> None:
    trial = sites.trial("close")
    site = trial.site()
    mount(site / "published", "size=160m")
    remount(site / "published", "ro")
    run = sites.runner.run(site, "close")
    assert (run.status, books.published(site)) == (1, trial.former)
    assert "published: cannot be written to: Read-only file system" in run.message
    assert run.message.endswith(" publish")
    remount(site / "published", "rw")
    trial.rerun(site)
