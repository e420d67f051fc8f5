"""Build some months of a backfill, for the run that asks for it (`[run] task_runner = "deployment:build_chunk/workers"`)."""

from __future__ import annotations

from prefect import flow

from flows import told
from tasks.work_pool import build_handed_over


@flow(name="build_chunk", persist_result=False)
@told
def build_chunk(site: str, folder: str, number: int) -> None:
    """Build a chunk of months that a backfill handed over, and hand back what was found. Runs start it; people do not.

    Args:
        site: The site's folder, the one with kam.toml.
        folder: The folder below the site's scratch folder that the backfill made.
        number: The number of the chunk.
    """
    build_handed_over(site, folder, number)
