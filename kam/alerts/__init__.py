"""Alerts: messages about a run, queued in the warehouse and sent through channels."""

from kam.alerts import news
from kam.alerts.channels import faults
from kam.alerts.findings import reason
from kam.alerts.harmless_text import harmless
from kam.alerts.queue import send_test, send_waiting
from kam.alerts.session import run_approve, run_close, run_ingest, run_publish, writing_and_telling
from kam.alerts.wording import front_address, page_address

__all__ = [
    "faults",
    "front_address",
    "harmless",
    "news",
    "page_address",
    "reason",
    "run_approve",
    "run_close",
    "run_ingest",
    "run_publish",
    "send_test",
    "send_waiting",
    "writing_and_telling",
]
