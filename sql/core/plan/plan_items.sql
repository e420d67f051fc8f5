-- grain: plan version × business month × item, where it has a plan, sales, or sales a year before
-- why: plan beside actual and the bridge between them, one month at a time. Method pvm-acca-1: with PA = p0 · q0 · r0,
--   the plan at its own rate, volume is PA · (Q1 − Q0) ÷ Q0 and price a(r0) − PA · q1 ÷ q0. Lanes are rounded here, and
--   mix is what remains: by algebra (q1 − Q1 · s0) · p0 · r0, and the cents that rounding left
WITH plan_lines AS (
    SELECT
        plan.plan_version,
        plan.month AS period_month,
        struct_pack(
            account_id := plan.account_id,
            product_id := plan.product_id,
            product_line := CASE
                WHEN versions.by_product_line THEN coalesce(plan.product_line, products.product_line, 'unknown')
            END,
            account_manager := CASE
                WHEN versions.by_account_manager
                    THEN coalesce(plan.account_manager, accounts.account_manager, 'unknown')
            END,
            region := CASE WHEN versions.by_region THEN coalesce(plan.region, accounts.region, 'unknown') END
        ) AS item,
        plan.currency,
        plan.quantity,
        coalesce(plan.amount, plan.quantity * plan.unit_price)::DECIMAL(28, 8) AS amount_doc,
        CASE WHEN plan.currency <> settings.reporting_currency THEN plan.fx_rate END AS fx_rate
    FROM core.sales_plan AS plan
    CROSS JOIN build.settings AS settings
    JOIN core.plan_versions AS versions USING (plan_version)
    LEFT JOIN core.accounts AS accounts ON accounts.account_id = plan.account_id
    LEFT JOIN core.products AS products ON products.product_id = plan.product_id
),

plan AS (
    SELECT
        plan_lines.plan_version,
        plan_lines.period_month,
        plan_lines.item,
        plan_lines.currency,
        plan_lines.quantity AS plan_quantity,
        coalesce(plan_lines.fx_rate, rates.plan_rate) AS rate,
        plan_lines.amount_doc * coalesce(plan_lines.fx_rate, rates.plan_rate) AS plan_amount,
        plan_lines.fx_rate
    FROM plan_lines
    JOIN core.plan_months AS plan_months USING (plan_version, period_month)
    LEFT JOIN core.plan_rates AS rates USING (plan_version, period_month, currency)
),

actual AS (
    SELECT
        plan_months.plan_version,
        plan_months.period_month,
        sales.item,
        sales.currency,
        sales.quantity,
        sales.quantity_amount_doc,
        sales.other_amount_doc
    FROM core.plan_sales AS sales
    JOIN core.plan_versions AS versions USING (plan_grain)
    JOIN core.plan_months AS plan_months USING (plan_version, period_month)
),

prior_year AS (
    SELECT
        plan_months.plan_version,
        plan_months.period_month,
        sales.item,
        sales.currency,
        month_rates.average_rate AS rate,
        (sales.quantity_amount_doc + sales.other_amount_doc) * month_rates.average_rate AS prior_year_amount
    FROM core.plan_sales AS sales
    JOIN core.plan_versions AS versions USING (plan_grain)
    JOIN core.plan_months AS plan_months
        ON plan_months.plan_version = versions.plan_version
        AND plan_months.prior_year_month = sales.period_month
        AND plan_months.is_built
    LEFT JOIN core.month_rates AS month_rates
        ON month_rates.period_month = sales.period_month AND month_rates.currency = sales.currency
),

facts AS (
    SELECT 'plan' AS source, * FROM plan
    UNION ALL BY NAME
    SELECT 'actual' AS source, * FROM actual
    UNION ALL BY NAME
    SELECT 'prior_year' AS source, * FROM prior_year
),

-- By currency first: the rate of an item's plan line also values its sales in that currency.
by_currency AS (
    SELECT
        plan_version,
        period_month,
        item,
        currency,
        count(*) FILTER (WHERE source = 'plan') > 0 AS is_planned,
        count(*) FILTER (WHERE source = 'actual') > 0 AS is_sold,
        bool_or(source = 'plan' AND rate IS NULL) AS plan_rate_missing,
        bool_or(source = 'prior_year' AND rate IS NULL) AS prior_year_rate_missing,
        max(fx_rate) AS fx_rate,
        sum(plan_quantity) AS plan_quantity,
        sum(plan_amount) AS plan_amount,
        sum(quantity) AS quantity,
        sum(quantity_amount_doc) AS quantity_amount_doc,
        sum(other_amount_doc) AS other_amount_doc,
        sum(prior_year_amount) AS prior_year_amount
    FROM facts
    GROUP BY plan_version, period_month, item, currency
),

valued AS (
    SELECT
        by_currency.*,
        by_currency.is_sold AND rates.average_rate IS NULL AS average_rate_missing,
        by_currency.quantity_amount_doc * coalesce(by_currency.fx_rate, rates.plan_rate) AS amount_at_plan_rate,
        by_currency.quantity_amount_doc * rates.average_rate AS amount,
        by_currency.other_amount_doc * rates.average_rate AS other_amount
    FROM by_currency
    LEFT JOIN core.plan_rates AS rates USING (plan_version, period_month, currency)
),

items AS (
    SELECT
        plan_version,
        period_month,
        item,
        bool_or(is_planned) AS has_plan_line,
        bool_or(is_sold) AS has_sales,
        bool_or(plan_rate_missing) AS plan_rate_missing,
        bool_or(average_rate_missing) AS average_rate_missing,
        'no rate for ' || min(currency) FILTER (WHERE plan_rate_missing OR average_rate_missing) AS rate_reason,
        'no rate for ' || min(currency) FILTER (WHERE prior_year_rate_missing) AS prior_year_rate_reason,
        sum(plan_quantity) AS plan_quantity,
        coalesce(sum(plan_amount), 0) AS plan_amount,
        sum(quantity) AS quantity,
        coalesce(sum(amount_at_plan_rate), 0) AS amount_at_plan_rate,
        coalesce(sum(amount), 0) AS amount,
        coalesce(sum(other_amount), 0) AS other_amount,
        coalesce(sum(prior_year_amount), 0) AS prior_year_amount
    FROM valued
    GROUP BY plan_version, period_month, item
),

classified AS (
    SELECT
        items.*,
        versions.has_quantity AS version_has_quantity,
        coalesce(items.plan_quantity > 0, false) AS has_plan_quantity,
        coalesce(items.quantity > 0, false) AS has_sold_quantity,
        -- A line that plans nothing is no plan.
        coalesce(items.plan_quantity > 0, false) OR items.plan_amount <> 0 OR items.plan_rate_missing AS has_plan,
        struct_pack(
            account_id := CASE WHEN versions.mix_by_account_id THEN items.item.account_id END,
            product_line := CASE WHEN versions.mix_by_product_line THEN items.item.product_line END,
            account_manager := CASE WHEN versions.mix_by_account_manager THEN items.item.account_manager END,
            region := CASE WHEN versions.mix_by_region THEN items.item.region END
        ) AS mix_group
    FROM items
    JOIN core.plan_versions AS versions USING (plan_version)
),

-- Q0 and Q1: what the continuing items of a mix group were planned to sell and sold.
group_quantities AS (
    SELECT
        plan_version,
        period_month,
        mix_group,
        sum(plan_quantity)::DOUBLE AS plan_quantity,
        sum(quantity)::DOUBLE AS quantity
    FROM classified
    WHERE has_plan_quantity AND has_sold_quantity
    GROUP BY plan_version, period_month, mix_group
),

measured AS (
    SELECT
        classified.*,
        CASE WHEN NOT plan_rate_missing THEN round(plan_amount, 2)::DECIMAL(18, 2) END AS rounded_plan_amount,
        CASE WHEN NOT average_rate_missing THEN round(amount + other_amount, 2)::DECIMAL(18, 2) END AS rounded_amount,
        has_plan_quantity AND has_sold_quantity AS is_continuing,
        CASE
            WHEN rate_reason IS NOT NULL THEN rate_reason
            WHEN has_plan AND NOT has_plan_quantity THEN 'plan has no quantity'
            WHEN has_sales AND NOT version_has_quantity THEN 'plan has no quantity'
        END AS bridge_reason
    FROM classified
),

lanes AS (
    SELECT
        measured.*,
        CASE
            WHEN is_continuing THEN money_round(
                plan_amount::DOUBLE * (group_quantities.quantity - group_quantities.plan_quantity)
                / group_quantities.plan_quantity
            )
            ELSE 0
        END AS volume_effect,
        CASE
            WHEN is_continuing THEN money_round(
                amount_at_plan_rate::DOUBLE
                - plan_amount::DOUBLE * measured.quantity::DOUBLE / measured.plan_quantity::DOUBLE
            )
            ELSE 0
        END AS price_effect,
        CASE WHEN has_sold_quantity THEN round(amount - amount_at_plan_rate, 2) ELSE 0 END AS fx_effect,
        CASE WHEN has_sold_quantity AND NOT is_continuing THEN round(amount_at_plan_rate, 2) ELSE 0 END AS new_effect,
        CASE WHEN has_plan_quantity AND NOT is_continuing THEN -rounded_plan_amount ELSE 0 END AS lost_effect,
        round(other_amount + CASE WHEN has_sold_quantity THEN 0 ELSE amount END, 2) AS adjustment_effect,
        rounded_amount - rounded_plan_amount
        - volume_effect - price_effect - fx_effect - new_effect - lost_effect - adjustment_effect AS mix_effect
    FROM measured
    LEFT JOIN group_quantities USING (plan_version, period_month, mix_group)
)

SELECT
    plan_version,
    period_month,
    item,
    has_plan_line,
    has_plan,
    has_sales,
    has_sold_quantity,
    CASE WHEN has_plan_line THEN plan_quantity ELSE 0 END::DECIMAL(18, 4) AS plan_quantity,
    rounded_plan_amount AS plan_amount,
    CASE WHEN has_sales THEN quantity ELSE 0 END::DECIMAL(18, 4) AS actual_quantity,
    rounded_amount AS actual_amount,
    CASE WHEN bridge_reason IS NULL THEN COLUMNS('_effect$') END::DECIMAL(18, 2),
    bridge_reason,
    CASE WHEN prior_year_rate_reason IS NULL THEN round(prior_year_amount, 2) END::DECIMAL(18, 2) AS prior_year_amount,
    prior_year_rate_reason
FROM lanes
