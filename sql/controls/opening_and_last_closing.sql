-- fmt: off
-- why: an amount appears or vanishes between two published months, and no lane explains it
-- needs: receivables
-- A month that follows on nothing opens with what is known of the month before now, and has nothing to tie to.
-- fmt: on
with
    openings as (
        select periods.period_month, before.period_month as last_month, periods.previous_version
        from build.periods as periods
        join core.months as before on before.month_index = periods.month_index - 1
        where periods.previous_version is not null or before.period_month in (select period_month from build.periods)
    ),

    sides as (
        select
            openings.period_month,
            rollforward.currency,
            rollforward.account_id,
            opening_amount_doc as left_amount,
            0 as right_amount
        from build.receivables_rollforward as rollforward
        join openings using (period_month)
        union all
        select openings.period_month, published.currency, published.account_id, 0, published.closing_amount_doc
        from marts.receivables_rollforward as published
        join
            openings
            on openings.last_month = published.period_month
            and openings.previous_version = published.close_version
        union all
        select openings.period_month, built.currency, built.account_id, 0, built.closing_amount_doc
        from build.receivables_rollforward as built
        join openings on openings.last_month = built.period_month and openings.previous_version is null
    )

select
    period_month,
    'opening = closing of the month before' as control,
    currency,
    'account ' || account_id as item,
    left_amount,
    right_amount
from sides
