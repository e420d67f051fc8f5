-- fmt: off
-- grain: account      from: reporting.account_review, receivables_kpis_by_account, sales, sales_plan_summary_by_account
-- why: amounts behind the ratios of the review
-- fmt: on
select review.account_id, receivables.overdue_amount, sales.year_amount, plan.gap_amount
from reporting.account_review as review
left join reporting.receivables_kpis_by_account as receivables using (period_month, account_id)
left join
    (
        select period_month, account_id, sum(rolling_12_net_amount) as year_amount from reporting.sales group by all
    ) as sales using (period_month, account_id)
left join
    (
        select period_month, account_id, - arg_min(ytd_variance_amount, ytd_variance_ratio) as gap_amount
        from reporting.sales_plan_summary_by_account
        group by all
    ) as plan using (period_month, account_id)
where review.period_month = ?
