-- fmt: off
-- grain: plan version × business month × item, where it has a plan, sales, or sales a year before
-- why: plan and actual, and the bridge between them, one month at a time. Method pvm-acca-1: with PA = p0 · q0 · r0,
--   the plan at its own rate, volume is PA · (Q1 − Q0) ÷ Q0 and price a(r0) − PA · q1 ÷ q0. Lanes are rounded here, and
--   mix is what remains: by algebra (q1 − Q1 · s0) · p0 · r0, and the cents that rounding left
-- lines: core.sales by period_month where line.basis = (select actual from build.settings) and (figure.item.account_id is null or
--     line.account_id = figure.item.account_id) and (figure.item.product_id is null or line.product_id = figure.item.product_id)
-- columns:
--   plan_version            VARCHAR
--   period_month            DATE
--   item                    STRUCT(account_id VARCHAR, product_id VARCHAR, product_line VARCHAR, account_manager VARCHAR, region VARCHAR)
--   has_plan_line           BOOLEAN
--   has_plan                BOOLEAN
--   has_sales               BOOLEAN
--   has_sold_quantity       BOOLEAN
--   plan_quantity           DECIMAL(34,4)
--   plan_amount             DECIMAL(32,2)
--   actual_quantity         DECIMAL(34,4)
--   actual_amount           DECIMAL(32,2)
--   volume_effect           DECIMAL(32,2)
--   price_effect            DECIMAL(32,2)
--   fx_effect               DECIMAL(32,2)
--   new_effect              DECIMAL(32,2)
--   lost_effect             DECIMAL(32,2)
--   adjustment_effect       DECIMAL(32,2)
--   mix_effect              DECIMAL(32,2)
--   bridge_reason           VARCHAR
--   prior_year_amount       DECIMAL(32,2)
--   exact_plan_amount       DECIMAL(38,8)
--   exact_actual_amount     DECIMAL(38,8)
--   exact_prior_year_amount  DECIMAL(38,8)
--   prior_year_rate_reason  VARCHAR
--   least_unit              VARCHAR
--   greatest_unit           VARCHAR
-- fmt: on
with
    classified as (
        select
            items.* exclude (least_unit, greatest_unit),
            -- The part's unit, or those of the parts that a plan not by part was sold in.
            case when versions.by_product_id then lower(products.unit) else items.least_unit end as least_unit,
            case when versions.by_product_id then lower(products.unit) else items.greatest_unit end as greatest_unit,
            -- Pieces and kilograms have no common total.
            coalesce(least_unit, '') as unit,
            coalesce(least_unit <> greatest_unit, false) as units_differ,
            versions.has_quantity as version_has_quantity,
            coalesce(items.plan_quantity > 0, false) as has_plan_quantity,
            coalesce(items.quantity > 0, false) as has_sold_quantity,
            -- A line that plans nothing is not a plan.
            coalesce(items.plan_quantity > 0, false) or items.plan_amount <> 0 or items.plan_rate_missing as has_plan,
            struct_pack(
                account_id := case when versions.mix_by_account_id then items.item.account_id end,
                product_line := case when versions.mix_by_product_line then items.item.product_line end,
                account_manager := case when versions.mix_by_account_manager then items.item.account_manager end,
                region := case when versions.mix_by_region then items.item.region end
            ) as mix_group
        from core.plan_item_amounts as items
        join core.plan_versions as versions using (plan_version)
        left join core.products as products on products.product_id = items.item.product_id
    ),

    -- Q0 and Q1: what the continuing items of a mix group were planned to sell and sold.
    group_quantities as (
        select
            plan_version,
            period_month,
            mix_group,
            unit,
            sum(plan_quantity)::double as plan_quantity,
            sum(quantity)::double as quantity
        from classified
        where has_plan_quantity and has_sold_quantity and not units_differ
        group by plan_version, period_month, mix_group, unit
    ),

    measured as (
        select
            classified.*,
            case when not plan_rate_missing then round(plan_amount, 2)::decimal(32, 2) end as rounded_plan_amount,
            case
                when not average_rate_missing then round(amount + other_amount, 2)::decimal(32, 2)
            end as rounded_amount,
            has_plan_quantity and has_sold_quantity as is_continuing,
            case
                when rate_reason is not null
                then rate_reason
                when has_plan and plan_quantity < 0
                then 'planned quantity is negative'
                when has_plan and not has_plan_quantity
                then 'plan has no quantity'
                when has_sales and not version_has_quantity
                then 'plan has no quantity'
                when has_plan_quantity and has_sold_quantity and units_differ
                then 'sold in different units'
            end as bridge_reason
        from classified
    ),

    lanes as (
        select
            measured.*,
            case
                when is_continuing
                then
                    money_round(
                        plan_amount::double
                        * (group_quantities.quantity - group_quantities.plan_quantity)
                        / group_quantities.plan_quantity
                    )
                else 0
            end as volume_effect,
            case
                when is_continuing
                then
                    money_round(
                        amount_at_plan_rate::double
                        - plan_amount::double * measured.quantity::double / measured.plan_quantity::double
                    )
                else 0
            end as price_effect,
            case when has_sold_quantity then round(amount - amount_at_plan_rate, 2) else 0 end as fx_effect,
            case
                when has_sold_quantity and not is_continuing then round(amount_at_plan_rate, 2) else 0
            end as new_effect,
            case when has_plan_quantity and not is_continuing then - rounded_plan_amount else 0 end as lost_effect,
            round(other_amount + case when has_sold_quantity then 0 else amount end, 2) as adjustment_effect,
            rounded_amount
            - rounded_plan_amount
            - volume_effect
            - price_effect
            - fx_effect
            - new_effect
            - lost_effect
            - adjustment_effect as mix_effect
        from measured
        left join group_quantities using (plan_version, period_month, mix_group, unit)
    )

select
    plan_version,
    period_month,
    item,
    has_plan_line,
    has_plan,
    has_sales,
    has_sold_quantity,
    case when has_plan_line then plan_quantity else 0 end::decimal(34, 4) as plan_quantity,
    rounded_plan_amount as plan_amount,
    case when has_sales then quantity else 0 end::decimal(34, 4) as actual_quantity,
    rounded_amount as actual_amount,
    case when bridge_reason is null then columns('_effect$') end::decimal(32, 2),
    bridge_reason,
    case when prior_year_rate_reason is null then round(prior_year_amount, 2) end::decimal(32, 2) as prior_year_amount,
    -- Sums are made of these, and rounded after.
    case when not plan_rate_missing then plan_amount end::decimal(38, 8) as exact_plan_amount,
    case when not average_rate_missing then amount + other_amount end::decimal(38, 8) as exact_actual_amount,
    case when prior_year_rate_reason is null then prior_year_amount end::decimal(38, 8) as exact_prior_year_amount,
    prior_year_rate_reason,
    least_unit,
    greatest_unit
from lanes
