-- fmt: off
-- invariant: A month opens with the balance that the month before closed with.
-- finding: {n} (account opens|accounts open) with another balance than the month before closed with
-- if it fails: an amount appears or vanishes between two published months, and no lane explains it; the model's
--   opening is wrong.
-- severity: critical
-- owner: Data engineering
-- keys: account_id, currency, opening_amount_doc, last_closing_amount_doc
-- fmt: on
with
    last_month as (
        select
            periods.period_month,
            periods.previous_version,
            before.period_month as last_period_month,
            before_built.period_month is not null as is_built
        from build.periods as periods
        join core.months as before on before.month_index = periods.month_index - 1
        left join build.periods as before_built on before_built.period_month = before.period_month
    ),

    last_closing as (
        select last_month.period_month, account_id, currency, closing_amount_doc as last_closing_amount_doc
        from build.receivables_rollforward as built
        join last_month on last_month.last_period_month = built.period_month and last_month.previous_version is null
        union all
        select last_month.period_month, account_id, currency, closing_amount_doc
        from marts.receivables_rollforward as published
        join
            last_month
            on last_month.last_period_month = published.period_month
            and last_month.previous_version = published.close_version
    ),

    opening as (
        select rollforward.period_month, account_id, currency, opening_amount_doc
        from build.receivables_rollforward as rollforward
        -- A month that follows on nothing opens with what is known of it now.
        semi join
            last_month
            on last_month.period_month = rollforward.period_month
            and (last_month.is_built or last_month.previous_version is not null)
    )

select *
from opening
full join last_closing using (period_month, account_id, currency)
where coalesce(opening_amount_doc, 0) <> coalesce(last_closing_amount_doc, 0)
