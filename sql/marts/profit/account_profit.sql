-- fmt: off
-- grain: period_month, account_id
-- why: what an account leaves over the goods it buys, over what grows with its sales, and over what it costs to serve it. Accounts
--   without sales and costs in the month have no rows. account_costs, visits and product_line_profit have the parts
-- method: account-profit-1
-- needs: invoices
-- lines: core.item_margins by sales_month = period_month, account_id sums net_sales_amount = net_amount, uncosted_amount,
--     cost_of_goods_amount = cost_amount;
--   build.account_costs by period_month, account_id sums freight_amount = case when cost_type = 'freight' then amount end, rebate_amount
--     = case when cost_type = 'rebate' then amount end, warranty_amount = case when cost_type = 'warranty' then amount end,
--     service_amount = case when cost_type = 'service' then amount end, other_amount = case when cost_type = 'other' then amount end;
--   build.visits by period_month, account_id sums visit_cost_amount = cost;
--   for receivables_cost_amount: core.receivable_open_items by period_month, account_id sums receivables_cost_amount = outstanding_amount
--     * (select receivables_rate from build.settings) / 12;
--   for target_margin_ratio: core.accounts by account_id
-- columns:
--   period_month                    DATE
--   account_id                      VARCHAR
--   account_name                    VARCHAR
--   account_manager                 VARCHAR
--   net_sales_amount                DECIMAL(32,2)
--   net_sales_amount_reason         VARCHAR
--   uncosted_amount                 DECIMAL(32,2)
--   cost_of_goods_amount            DECIMAL(32,2)
--   gross_margin_amount             DECIMAL(32,2)
--   gross_margin_amount_reason      VARCHAR
--   gross_margin_ratio              DECIMAL(36,6)
--   gross_margin_ratio_reason       VARCHAR
--   target_margin_ratio             DECIMAL(18,4)  [fraction; none] Gross margin that we aim at with the account, as known at the close
--   freight_amount                  DECIMAL(32,2)  [reporting currency; sum; less is better] Freight of the month
--   rebate_amount                   DECIMAL(32,2)  [reporting currency; sum; less is better] Rebates of the month that are in no invoice or credit note
--   warranty_amount                 DECIMAL(32,2)  [reporting currency; sum; less is better] Warranty of the month
--   contribution_amount             DECIMAL(32,2)  [reporting currency; sum; more is better] What is left over the variable costs := gross_margin_amount − freight_amount − rebate_amount − warranty_amount
--   contribution_amount_reason      VARCHAR
--   contribution_ratio              DECIMAL(36,6)  [fraction; ratio of contribution_amount ÷ (net_sales_amount - uncosted_amount); more is better] Contribution as a share of the sales that it is made from
--   contribution_ratio_reason       VARCHAR
--   service_amount                  DECIMAL(32,2)  [reporting currency; sum; less is better] Service of the month, such as engineers at the customer's works
--   other_amount                    DECIMAL(32,2)  [reporting currency; sum; less is better] Other costs of the month
--   account_costs_reason            VARCHAR        Why freight_amount, rebate_amount, warranty_amount, service_amount and other_amount are undefined
--   visit_cost_amount               DECIMAL(32,2)  [reporting currency; sum; less is better] Cost of the visits held in the month, each at the rate of its day
--   visit_cost_amount_reason        VARCHAR
--   receivables_cost_amount         DECIMAL(32,2)  [reporting currency; sum; less is better] Cost of the money tied up in what the account owes at the month end; negative where we owe it something := closing balance × [profit] receivables_rate ÷ 12
--   receivables_cost_amount_reason  VARCHAR
--   fixed_cost_amount               DECIMAL(32,2)  [reporting currency; sum; less is better] Costs that do not grow with the sales := service_amount + other_amount + visit_cost_amount + receivables_cost_amount
--   fixed_cost_amount_reason        VARCHAR
--   profit_amount                   DECIMAL(32,2)  [reporting currency; sum; more is better] What the account earns := contribution_amount − fixed_cost_amount
--   profit_amount_reason            VARCHAR
--   breakeven_amount                DECIMAL(32,2)  [reporting currency; none; less is better] Net sales at which the account earns nothing and loses nothing := fixed_cost_amount ÷ contribution_ratio
--   breakeven_amount_reason         VARCHAR
--   profit_note                     VARCHAR        What fixed_cost_amount, profit_amount and breakeven_amount leave out or take too high; NULL where they are complete
-- fmt: on
with
    settings as (
        select
            undeclared_reason('visits', declared_feeds) as no_visits,
            -- Without payments, all that was ever billed seems to be owed.
            case when receivables_rate > 0 then undeclared_reason('payments', declared_feeds) end as no_payments
        from build.settings
    ),

    profits as (
        select
            months.looked_month as period_month,
            months.*,
            coalesce(
                settings.no_visits,
                case
                    when coalesce(records.cost_from > periods.as_of_date, true) then 'no visit so far names its cost'
                end
            ) as no_visit_costs,
            settings.no_payments,
            case when months.costed_amount <= 0 then 'sales with a cost are not above zero' end as no_base,
            ratio(
                months.fixed_cost_amount::double * months.costed_amount::double, greatest(months.contribution_amount, 0)
            ) as breakeven
        from core.account_profit_months as months
        join build.periods as periods on periods.period_month = months.looked_month
        cross join core.visit_records as records
        cross join settings
    )

select
    profits.period_month,
    profits.account_id,
    known(accounts.account_name) as account_name,
    known(accounts.account_manager) as account_manager,
    profits.net_sales_amount,
    profits.net_sales_reason as net_sales_amount_reason,
    profits.uncosted_amount,
    profits.cost_of_goods_amount,
    profits.gross_margin_amount,
    profits.gross_margin_reason as gross_margin_amount_reason,
    shown_ratio(ratio(profits.gross_margin_amount, greatest(profits.costed_amount, 0))) as gross_margin_ratio,
    coalesce(profits.gross_margin_reason, profits.no_base) as gross_margin_ratio_reason,
    accounts.target_margin_ratio,
    profits.freight_amount,
    profits.rebate_amount,
    profits.warranty_amount,
    profits.contribution_amount,
    profits.contribution_reason as contribution_amount_reason,
    shown_ratio(ratio(profits.contribution_amount, greatest(profits.costed_amount, 0))) as contribution_ratio,
    coalesce(profits.contribution_reason, profits.no_base) as contribution_ratio_reason,
    profits.service_amount,
    profits.other_amount,
    profits.costs_reason as account_costs_reason,
    case when profits.no_visit_costs is null then profits.visit_cost_amount end as visit_cost_amount,
    coalesce(profits.no_visit_costs, profits.visits_reason) as visit_cost_amount_reason,
    profits.receivables_cost_amount,
    profits.receivables_reason as receivables_cost_amount_reason,
    profits.fixed_cost_amount,
    profits.fixed_cost_reason as fixed_cost_amount_reason,
    profits.profit_amount,
    profits.profit_reason as profit_amount_reason,
    coalesce(
        profits.profit_reason,
        profits.no_base,
        case when profits.contribution_amount <= 0 then 'the contribution is not above zero' end,
        case when abs(profits.breakeven) >= 1e27 then 'the breakeven is 10²⁷ or more' end
    ) as breakeven_amount_reason,
    case when breakeven_amount_reason is null then money_round(profits.breakeven) end as breakeven_amount,
    nullif(
        concat_ws(
            '; ',
            'visits are left out: ' || profits.no_visit_costs,
            'all that was ever billed counts as owed: ' || profits.no_payments
        ),
        ''
    ) as profit_note
from profits
left join core.accounts as accounts on accounts.account_id = profits.account_id
