"""Targets: what is reached of each is made from the figure and the target beside it."""

from __future__ import annotations

from expectations.marts.common import account_is_given, holds, suite, undefined_has_a_reason

SUITES = (
    suite(
        "target_attainment",
        account_is_given("target_attainment", "account_name IS NOT NULL"),
        holds(
            "target_attainment",
            "is_met_as_the_ratio_says",
            "coalesce(is_met = (CASE direction WHEN 'more' THEN actual >= target ELSE actual <= target END),"
            " is_met IS NULL AND (actual IS NULL OR direction = 'neither'))",
            sentence="A target is met where the figure reaches it, in the direction in which it is good.",
            finding="{of} <target> (is|are) called met or not against the figure",
            if_it_fails="A missed target is shown as met, or a met one as missed.",
            shown=("direction", "target", "actual", "is_met"),
        ),
        undefined_has_a_reason("target_attainment"),
    ),
)
