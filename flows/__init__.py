"""Prefect flows, one file a flow."""

import logging

# Prefect takes our progress lines into the run's log, but not those below the root logger's level, WARNING.
logging.getLogger("kam").setLevel(logging.INFO)
