-- fmt: off
-- grain: month looked back on × account × measure
-- why: the figures that sum up each subject by account, in one shape; rules of flags look at them and account_review shows them.
--   Each is as known now, in the month built as in those before. `basis` parts what is not to be compared, `own_limit` is a limit
--   of the account's own, `look_at` names the row of the table. `seen` says from which built months: always, only at the close,
--   or in the fiscal year
-- columns:
--   looked_month  DATE
--   account_id    VARCHAR
--   measure       VARCHAR
--   basis         VARCHAR
--   figure        DECIMAL(36,6)
--   own_limit     DECIMAL(36,6)
--   look_at       VARCHAR
--   seen          VARCHAR
-- fmt: on
with
    -- By name: a model gives the columns that it has something to say in.
    headlines as (
        from core.receivable_headlines
        union all by name
        from core.promise_headlines
        union all by name
        from core.rating_headlines
        union all by name
        from core.plan_headlines
        union all by name
        from core.forecast_headlines
        union all by name
        from core.delivery_headlines
        union all by name
        from core.visit_headlines
        union all by name
        from core.issue_headlines
        union all by name
        from core.pipeline_headlines
        union all by name
        from core.sales_headlines
        union all by name
        from core.tax_headlines
        union all by name
        from core.market_headlines
        union all by name
        from core.assessment_headlines
        union all by name
        from core.contract_headlines
        union all by name
        from core.gate_headlines
        union all by name
        from core.action_headlines
        union all by name
        from core.profit_headlines
        union all by name
        from core.quotation_headlines
        union all by name
        from core.competitor_headlines
        union all by name
        from core.case_headlines
    )

select
    looked_month,
    account_id,
    measure,
    basis,
    figure,
    own_limit::decimal(36, 6) as own_limit,
    look_at,
    coalesce(seen, 'always') as seen
from headlines
-- Without its feed a table is empty, whatever other feeds say.
anti join (select measure from build.measures where missing_reason is not null) as missing using (measure)
where account_id is not null
