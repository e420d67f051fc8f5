"""Prefect tasks: each calls one plain function with the site of its run and returns a small result."""

from kam.close import Steps
from tasks.alerting import alert
from tasks.closing import (
    build_marts,
    commit_month,
    plan_months,
    prepare_months,
    store_ahead,
    validate_feeds,
    validate_marts,
)
from tasks.loading import load_feed
from tasks.publishing import publish
from tasks.workers import build_chunks

TASKS = Steps(
    load_feed=load_feed,
    plan_months=plan_months,
    prepare_months=prepare_months,
    validate_feeds=validate_feeds,
    build_marts=build_marts,
    validate_marts=validate_marts,
    build_chunks=build_chunks,
    store_ahead=store_ahead,
    commit_month=commit_month,
    publish=publish,
)

__all__ = ["TASKS", "alert"]
