"""Gates of projects: each is open or done as its dates say, and one of those open is the next."""

from __future__ import annotations

from expectations.marts.common import account_is_given, holds, suite, undefined_has_a_reason

SUITES = (
    suite(
        "gate_performance",
        account_is_given("gate_performance"),
        holds(
            "gate_performance",
            "state_follows_from_dates",
            "is_done = (actual_date IS NOT NULL AND coalesce(result <> 'rejected', true)) AND NOT (is_done AND is_next_gate)"
            " AND (is_done OR coalesce(slip_days_planned >= 0, true))",
            sentence="A gate is done when it was decided and not rejected, and an open one is never early against its plan.",
            finding="{of} <gate> (has|have) a state that (its|their) dates do not give",
            if_it_fails="A gate that is open counts as passed, or the other way round; the model reads its dates wrongly.",
            shown=("actual_date", "result", "is_done", "is_next_gate", "slip_days_planned"),
        ),
        undefined_has_a_reason("gate_performance"),
    ),
)
