-- fmt: off
-- grain: period_month, plan_version, account_id, product_id, product_line, document_account_manager, region
-- why: did each account meet its plan, and why not. Each version by itself, at its own grain, in the fiscal years it
--   plans anything in. An item is listed while the month, the fiscal year to date or the month a year before has a
--   figure of it
-- method: pvm-acca-1
-- needs: sales_plan, actual_sales
-- adds up within one: plan_version
-- renamed: prior_year_reason to prior_year_amount_reason, account_manager to document_account_manager
-- lines: core.plan_lines by plan_version, period_month where (figure.account_id is not distinct from line.item.account_id) and
--     (figure.product_id is not distinct from line.item.product_id) and coalesce(line.item.product_line = figure.product_line, true) and
--     coalesce(line.item.account_manager = figure.document_account_manager, true) and coalesce(line.item.region = figure.region, true)
--     sums plan_quantity = quantity, plan_amount = at_rate(amount_doc, coalesce(fx_rate, (select rates.plan_rate from core.plan_rates as
--     rates where rates.plan_version = line.plan_version and rates.period_month = line.period_month and rates.currency =
--     line.currency)));
--   core.sales by period_month where line.basis = (select actual from build.settings) and (figure.account_id is null or line.account_id =
--     figure.account_id) and (figure.plan_grain not like '%product_id%' or line.product_id is not distinct from figure.product_id) and
--     (figure.plan_grain not like '%product_line%' or line.product_line is not distinct from figure.product_line) and (figure.plan_grain
--     not like '%account_manager%' or line.account_manager = figure.document_account_manager) and (figure.plan_grain not like '%region%'
--     or line.region = figure.region) sums actual_quantity = quantity, actual_amount = at_rate(amount_doc, (select rates.average_rate
--     from core.month_rates as rates where rates.period_month = line.period_month and rates.currency = line.currency));
--   for prior_year_amount: core.sales where line.basis = (select actual from build.settings) and line.period_month = (figure.period_month
--     - interval 12 month)::date and (figure.account_id is null or line.account_id = figure.account_id) and (figure.plan_grain not like
--     '%product_id%' or line.product_id is not distinct from figure.product_id) and (figure.plan_grain not like '%product_line%' or
--     line.product_line is not distinct from figure.product_line) and (figure.plan_grain not like '%account_manager%' or
--     line.account_manager = figure.document_account_manager) and (figure.plan_grain not like '%region%' or line.region = figure.region)
--     sums prior_year_amount = at_rate(amount_doc, (select rates.average_rate from core.month_rates as rates where rates.period_month =
--     line.period_month and rates.currency = line.currency));
--   for ytd_*: core.plan_lines by plan_version where (figure.plan_version, figure.period_month, line.period_month) in (select
--     (built.plan_version, built.period_month, months.period_month) from core.plan_months as months join core.plan_months as built on
--     built.plan_version = months.plan_version and built.fiscal_year = months.fiscal_year and built.month_index >= months.month_index and
--     built.is_built) and (figure.account_id is not distinct from line.item.account_id) and (figure.product_id is not distinct from
--     line.item.product_id) and coalesce(line.item.product_line = figure.product_line, true) and coalesce(line.item.account_manager =
--     figure.document_account_manager, true) and coalesce(line.item.region = figure.region, true) sums ytd_plan_quantity = quantity;
--   for ytd_*: core.sales where line.basis = (select actual from build.settings) and (figure.plan_version, figure.period_month,
--     line.period_month) in (select (built.plan_version, built.period_month, months.period_month) from core.plan_months as months join
--     core.plan_months as built on built.plan_version = months.plan_version and built.fiscal_year = months.fiscal_year and
--     built.month_index >= months.month_index and built.is_built) and (figure.account_id is null or line.account_id = figure.account_id)
--     and (figure.plan_grain not like '%product_id%' or line.product_id is not distinct from figure.product_id) and (figure.plan_grain
--     not like '%product_line%' or line.product_line is not distinct from figure.product_line) and (figure.plan_grain not like
--     '%account_manager%' or line.account_manager = figure.document_account_manager) and (figure.plan_grain not like '%region%' or
--     line.region = figure.region) sums ytd_actual_quantity = quantity
-- columns:
--   period_month              DATE
--   plan_version              VARCHAR
--   plan_grain                VARCHAR
--   account_id                VARCHAR        here: The customer account; NULL in a plan not by account
--   account_name              VARCHAR
--   product_id                VARCHAR        here: The part; NULL in a plan not by part, or for lines that name none
--   product_name              VARCHAR
--   product_line              VARCHAR        here: The product line planned, else the part's
--   account_manager           VARCHAR        here: Manager of the account; NULL in a plan not by account
--   document_account_manager  VARCHAR        here: Manager that the plan and the documents name where the plan is by manager, else the account's
--   region                    VARCHAR        The region planned, else the account's
--   submitted_on_time         BOOLEAN
--   scope                     VARCHAR
--   plan_quantity             DECIMAL(34,4)
--   quantity_reason           VARCHAR        Why actual_quantity and ytd_actual_quantity have no sum: the parts sold in the fiscal year to date are of different units
--   plan_amount               DECIMAL(32,2)  := p0 × q0 × r0
--   actual_quantity           DECIMAL(34,4)
--   actual_amount             DECIMAL(32,2)  := Σ amount × r1
--   variance_amount           DECIMAL(32,2)
--   variance_ratio            DECIMAL(36,6)
--   volume_effect             DECIMAL(32,2)  := (Q1 − Q0) × s0 × p0 × r0
--   mix_effect                DECIMAL(32,2)  := (q1 − Q1 × s0) × p0 × r0
--   price_effect              DECIMAL(32,2)  := Σ amount × r0 − p0 × q1 × r0
--   fx_effect                 DECIMAL(32,2)  := Σ amount × (r1 − r0)
--   new_effect                DECIMAL(32,2)  := Σ amount × r0
--   lost_effect               DECIMAL(32,2)  := −p0 × q0 × r0
--   adjustment_effect         DECIMAL(32,2)  := Σ amount × r1
--   rounding_effect           DECIMAL(32,2)  := Σ amount × r1
--   bridge_status             VARCHAR
--   rag                       VARCHAR
--   ytd_plan_quantity         DECIMAL(34,4)
--   ytd_plan_amount           DECIMAL(32,2)
--   ytd_actual_quantity       DECIMAL(34,4)
--   ytd_actual_amount         DECIMAL(32,2)
--   ytd_variance_amount       DECIMAL(32,2)
--   ytd_variance_ratio        DECIMAL(36,6)
--   ytd_volume_effect         DECIMAL(32,2)
--   ytd_mix_effect            DECIMAL(32,2)
--   ytd_price_effect          DECIMAL(32,2)
--   ytd_fx_effect             DECIMAL(32,2)
--   ytd_new_effect            DECIMAL(32,2)
--   ytd_lost_effect           DECIMAL(32,2)
--   ytd_adjustment_effect     DECIMAL(32,2)
--   ytd_rounding_effect       DECIMAL(32,2)
--   ytd_bridge_status         VARCHAR
--   ytd_rag                   VARCHAR
--   ytd_left_out              VARCHAR
--   prior_year_amount         DECIMAL(32,2)
--   prior_year_amount_reason  VARCHAR
-- fmt: on
with
    whole as (
        select
            units_reason(least_unit <> greatest_unit) as quantity_reason,
            * exclude (plan_amount, actual_amount, ytd_plan_amount, ytd_actual_amount, prior_year_amount),
            plan_amount as rounded_plan_amount,
            actual_amount as rounded_actual_amount,
            ytd_plan_amount as ytd_rounded_plan_amount,
            ytd_actual_amount as ytd_rounded_actual_amount,
            round(exact_plan_amount, 2)::decimal(38, 2) as plan_amount,
            round(exact_actual_amount, 2)::decimal(38, 2) as actual_amount,
            round(ytd_exact_plan_amount, 2)::decimal(38, 2) as ytd_plan_amount,
            round(ytd_exact_actual_amount, 2)::decimal(38, 2) as ytd_actual_amount,
            round(exact_prior_year_amount, 2)::decimal(38, 2) as prior_year_amount
        from core.plan_results
    ),

    results as (
        select
            *,
            shown_ratio(ratio(actual_amount - plan_amount, greatest(plan_amount, 0))) as variance_ratio,
            shown_ratio(ratio(ytd_actual_amount - ytd_plan_amount, greatest(ytd_plan_amount, 0))) as ytd_variance_ratio
        from whole
    )

select
    results.period_month,
    results.plan_version,
    versions.plan_grain,
    results.account_id,
    case when versions.by_account_id then known(accounts.account_name) end as account_name,
    results.product_id,
    case when versions.by_product_id then known(products.product_name) end as product_name,
    results.product_line,
    case when versions.by_account_id then known(accounts.account_manager) end as account_manager,
    results.account_manager as document_account_manager,
    results.region,
    versions.submitted_on_time,
    versions.scope,
    results.plan_quantity,
    results.quantity_reason,
    results.plan_amount,
    case when results.quantity_reason is null then results.actual_quantity end as actual_quantity,
    results.actual_amount,
    results.actual_amount - results.plan_amount as variance_amount,
    results.variance_ratio,
    results.volume_effect,
    results.mix_effect,
    results.price_effect,
    results.fx_effect,
    results.new_effect,
    results.lost_effect,
    results.adjustment_effect,
    (results.actual_amount - results.plan_amount)
    - (results.rounded_actual_amount - results.rounded_plan_amount) as rounding_effect,
    bridge_status(
        results.bridge_reason, results.has_plan, results.has_sales, results.has_sold_quantity
    ) as bridge_status,
    rag_colour(results.variance_ratio, settings.rag_green_ratio, settings.rag_amber_ratio) as rag,
    results.ytd_plan_quantity,
    results.ytd_plan_amount,
    case when results.quantity_reason is null then results.ytd_actual_quantity end as ytd_actual_quantity,
    results.ytd_actual_amount,
    results.ytd_actual_amount - results.ytd_plan_amount as ytd_variance_amount,
    results.ytd_variance_ratio,
    results.ytd_volume_effect,
    results.ytd_mix_effect,
    results.ytd_price_effect,
    results.ytd_fx_effect,
    results.ytd_new_effect,
    results.ytd_lost_effect,
    results.ytd_adjustment_effect,
    (results.ytd_actual_amount - results.ytd_plan_amount)
    - (results.ytd_rounded_actual_amount - results.ytd_rounded_plan_amount) as ytd_rounding_effect,
    bridge_status(
        results.ytd_bridge_reason, results.ytd_has_plan, results.ytd_has_sales, results.ytd_has_sold_quantity
    ) as ytd_bridge_status,
    rag_colour(results.ytd_variance_ratio, settings.rag_green_ratio, settings.rag_amber_ratio) as ytd_rag,
    results.ytd_left_out,
    results.prior_year_amount,
    results.prior_year_amount_reason
from results
cross join build.settings as settings
join core.plan_versions as versions using (plan_version)
left join core.accounts as accounts on accounts.account_id = results.account_id
left join core.products as products on products.product_id = results.product_id
