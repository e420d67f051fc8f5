-- fmt: off
-- grain: month looked back on × account of which a price of a competitor is known
-- why: of the newest prices of competitors the one furthest below ours: our price as a multiple of his. A price that was observed over a
--   year before the month's end says nothing any more
-- columns:
--   looked_month  DATE
--   account_id    VARCHAR
--   measure       VARCHAR
--   figure        DECIMAL(36,6)
--   look_at       VARCHAR
-- fmt: on
with
    prices as (
        select
            looked_month, account_id, competitor_id, product_line, shown_ratio(ratio(our_value, value)) as index_ratio
        from core.competitor_positions
        where kind = 'price' and age_days <= 365
    )

select
    looked_month,
    account_id,
    'competitor_position.index_ratio' as measure,
    max(index_ratio)::decimal(36, 6) as figure,
    'competitor_id '
    || arg_max(competitor_id, (index_ratio, competitor_id, product_line))
    || ', product_line '
    || arg_max(product_line, (index_ratio, competitor_id, product_line)) as look_at
from prices
where index_ratio is not null
group by looked_month, account_id
