"""Assessments: the newest of each account, kind and criterion, against the one before."""

from __future__ import annotations

from expectations.marts.common import account_is_given, holds, suite, undefined_has_a_reason

SUITES = (
    suite(
        "assessments",
        account_is_given("assessments", "account_name IS NOT NULL"),
        holds(
            "assessments",
            "newest_is_not_the_previous",
            "NOT (is_newest AND is_previous) AND (kind = 'award' OR NOT is_award_this_fiscal_year)",
            sentence="An assessment is the newest or the one before, and only an award counts as one.",
            finding="{of} <assessment> (is|are) both the newest and the one before, or (counts|count) as an award and (is|are) none",
            if_it_fails="An assessment is compared with itself, or counts as an award; the model orders them wrongly.",
            shown=("kind", "is_newest", "is_previous", "is_award_this_fiscal_year"),
        ),
    ),
    suite(
        "assessment_scores",
        account_is_given("assessment_scores", "account_name IS NOT NULL"),
        holds(
            "assessment_scores",
            "change_is_from_the_previous_score",
            "coalesce(score_change = score_ratio - previous_score_ratio, true)"
            " AND (kind = 'award' OR awards_this_fiscal_year = 0)",
            sentence="A score changes by the difference to the score before, and only awards count as awards.",
            finding="{of} <score> (changes|change) by something else than the difference to the score before",
            if_it_fails="A score seems to rise that fell; the model compares it with another one.",
            shown=("score_ratio", "previous_score_ratio", "score_change", "awards_this_fiscal_year"),
        ),
        undefined_has_a_reason("assessment_scores"),
    ),
)
