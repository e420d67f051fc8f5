"""The receivables of a day."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from kam import close
from kam.close import Ageing
from kam.site import Site


@task(task_run_name="ageing-{day}", cache_policy=NO_CACHE)
def write_ageing(
    site: Site, day: date, *, file: Path | None, as_of_load: int | None, as_known_on: date | None
) -> Ageing:
    """Write the open items at the end of a day to a file."""
    return close.write_ageing(site, day, file=file, as_of_load=as_of_load, as_known_on=as_known_on)
