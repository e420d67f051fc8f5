-- fmt: off
-- grain: period_month, account_id
-- why: what a review meeting on an account opens with: the headline of each subject in this month, last month and a year ago, and its
--   flags. All is as known now. The tables of each subject have the parts and the reasons
-- method: account-review-1
-- lines: none because each figure is one of another table, of this month, the month before or the same month a year before: explain it
--     there
-- columns:
--   period_month                             DATE
--   account_id                               VARCHAR
--   account_name                             VARCHAR
--   account_manager                          VARCHAR
--   segment                                  VARCHAR
--   net_sales_amount                         DECIMAL(32,2)  [reporting currency; sum; more is better] here: Net sales
--   last_month_net_sales_amount              DECIMAL(32,2)  [reporting currency; sum; more is better] Last month: net sales
--   prior_year_net_sales_amount              DECIMAL(32,2)  [reporting currency; sum; more is better] Same month a year before: net sales
--   ordered_amount                           DECIMAL(32,2)  [reporting currency; sum; more is better] Orders received, at their prices
--   last_month_ordered_amount                DECIMAL(32,2)  [reporting currency; sum; more is better] Last month: orders received, at their prices
--   prior_year_ordered_amount                DECIMAL(32,2)  [reporting currency; sum; more is better] Same month a year before: orders received, at their prices
--   ytd_variance_ratio                       DECIMAL(36,6)  [fraction; none; more is better] here: Sales of the fiscal year to date above or below plan; of several plan versions the worst
--   last_month_ytd_variance_ratio            DECIMAL(36,6)  [fraction; none; more is better] Last month: sales of the fiscal year to date above or below plan; of several plan versions the worst
--   wape                                     DECIMAL(36,6)  [fraction; none; less is better] Error of the forecast made one month ahead, of the first step in the settings
--   last_month_wape                          DECIMAL(36,6)  [fraction; none; less is better] Last month: error of the forecast made one month ahead, of the first step in the settings
--   prior_year_wape                          DECIMAL(36,6)  [fraction; none; less is better] Same month a year before: error of the forecast made one month ahead, of the first step in the settings
--   outstanding_amount                       DECIMAL(32,2)  [reporting currency; last in time] here: What the account owes at the month end
--   last_month_outstanding_amount            DECIMAL(32,2)  [reporting currency; last in time] Last month: what the account owes at the month end
--   prior_year_outstanding_amount            DECIMAL(32,2)  [reporting currency; last in time] Same month a year before: what the account owes at the month end
--   overdue_ratio                            DECIMAL(36,6)  [fraction; none; less is better] Overdue share of what invoices owe at the month end
--   last_month_overdue_ratio                 DECIMAL(36,6)  [fraction; none; less is better] Last month: overdue share of what invoices owe at the month end
--   prior_year_overdue_ratio                 DECIMAL(36,6)  [fraction; none; less is better] Same month a year before: overdue share of what invoices owe at the month end
--   exposure                                 DECIMAL(32,2)  [reporting currency; last in time; less is better] What counts against the credit limit at the month end
--   credit_limit                             DECIMAL(32,2)  [reporting currency; last in time] What exposure is compared with: the credit limit as known at the close, at the closing rate
--   broken_promise_count                     BIGINT         [count; sum; less is better] Promises of payment that fell due in the month and were not kept
--   last_month_broken_promise_count          BIGINT         [count; sum; less is better] Last month: promises of payment that fell due in the month and were not kept
--   prior_year_broken_promise_count          BIGINT         [count; sum; less is better] Same month a year before: promises of payment that fell due in the month and were not kept
--   rating_score                             DECIMAL(36,6)  [points; none; more is better] Overall rating: the customer's, else our own
--   last_month_rating_score                  DECIMAL(36,6)  [points; none; more is better] Last month: overall rating: the customer's, else our own
--   prior_year_rating_score                  DECIMAL(36,6)  [points; none; more is better] Same month a year before: overall rating: the customer's, else our own
--   otif_ratio                               DECIMAL(36,6)  [fraction; none; more is better] Share of order lines due in the month that came on time and in full, on the basis of the rating
--   last_month_otif_ratio                    DECIMAL(36,6)  [fraction; none; more is better] Last month: share of order lines due in the month that came on time and in full, on the basis of the rating
--   prior_year_otif_ratio                    DECIMAL(36,6)  [fraction; none; more is better] Same month a year before: share of order lines due in the month that came on time and in full, on the basis of the rating
--   ppm                                      DECIMAL(36,6)  [parts per million; none; less is better] Rejected parts per million delivered
--   last_month_ppm                           DECIMAL(36,6)  [parts per million; none; less is better] Last month: rejected parts per million delivered
--   prior_year_ppm                           DECIMAL(36,6)  [parts per million; none; less is better] Same month a year before: rejected parts per million delivered
--   open_issue_count                         BIGINT         [count; last in time; less is better] Issues open at the month end
--   last_month_open_issue_count              BIGINT         [count; last in time; less is better] Last month: issues open at the month end
--   prior_year_open_issue_count              BIGINT         [count; last in time; less is better] Same month a year before: issues open at the month end
--   overdue_issue_count                      BIGINT         [count; last in time; less is better] Of them, those past the day by which they were to be closed
--   last_month_overdue_issue_count           BIGINT         [count; last in time; less is better] Last month: of them, those past the day by which they were to be closed
--   prior_year_overdue_issue_count           BIGINT         [count; last in time; less is better] Same month a year before: of them, those past the day by which they were to be closed
--   visit_count                              BIGINT         [count; sum] Visits held
--   last_month_visit_count                   BIGINT         [count; sum] Last month: visits held
--   prior_year_visit_count                   BIGINT         [count; sum] Same month a year before: visits held
--   days_since_last_visit                    BIGINT         [days; none; less is better] Days from the last visit held to the month end; key accounts only
--   last_month_days_since_last_visit         BIGINT         [days; none; less is better] Last month: days from the last visit held to the month end; key accounts only
--   prior_year_days_since_last_visit         BIGINT         [days; none; less is better] Same month a year before: days from the last visit held to the month end; key accounts only
--   visit_cost_ratio                         DECIMAL(36,6)  [fraction; none; less is better] Cost of the visits held as a share of net sales
--   last_month_visit_cost_ratio              DECIMAL(36,6)  [fraction; none; less is better] Last month: cost of the visits held as a share of net sales
--   prior_year_visit_cost_ratio              DECIMAL(36,6)  [fraction; none; less is better] Same month a year before: cost of the visits held as a share of net sales
--   hit_ratio                                DECIMAL(36,6)  [fraction; none; more is better] Share of the quotations decided in the month that were won
--   last_month_hit_ratio                     DECIMAL(36,6)  [fraction; none; more is better] Last month: share of the quotations decided in the month that were won
--   prior_year_hit_ratio                     DECIMAL(36,6)  [fraction; none; more is better] Same month a year before: share of the quotations decided in the month that were won
--   rolling_12_hit_ratio                     DECIMAL(36,6)  [fraction; none; more is better] Share of the quotations decided in twelve months that were won; at least six
--   last_month_rolling_12_hit_ratio          DECIMAL(36,6)  [fraction; none; more is better] Last month: share of the quotations decided in twelve months that were won; at least six
--   prior_year_rolling_12_hit_ratio          DECIMAL(36,6)  [fraction; none; more is better] Same month a year before: share of the quotations decided in twelve months that were won; at least six
--   lost_quotation_amount                    DECIMAL(32,2)  [reporting currency; sum; less is better] Value of the quotations lost in the month
--   last_month_lost_quotation_amount         DECIMAL(32,2)  [reporting currency; sum; less is better] Last month: value of the quotations lost in the month
--   prior_year_lost_quotation_amount         DECIMAL(32,2)  [reporting currency; sum; less is better] Same month a year before: value of the quotations lost in the month
--   competitor_price_index_ratio             DECIMAL(36,6)  [multiple; none; less is better] Our price as a multiple of that of the competitor furthest below it
--   last_month_competitor_price_index_ratio  DECIMAL(36,6)  [multiple; none; less is better] Last month: our price as a multiple of that of the competitor furthest below it
--   prior_year_competitor_price_index_ratio  DECIMAL(36,6)  [multiple; none; less is better] Same month a year before: our price as a multiple of that of the competitor furthest below it
--   share_ratio                              DECIMAL(36,6)  [fraction; none; more is better] Our share of what the account buys
--   last_month_share_ratio                   DECIMAL(36,6)  [fraction; none; more is better] Last month: our share of what the account buys
--   prior_year_share_ratio                   DECIMAL(36,6)  [fraction; none; more is better] Same month a year before: our share of what the account buys
--   gross_margin_ratio                       DECIMAL(36,6)  [fraction; none; more is better] here: Gross margin as a share of the sales that have a cost
--   last_month_gross_margin_ratio            DECIMAL(36,6)  [fraction; none; more is better] Last month: gross margin as a share of the sales that have a cost
--   prior_year_gross_margin_ratio            DECIMAL(36,6)  [fraction; none; more is better] Same month a year before: gross margin as a share of the sales that have a cost
--   target_margin_ratio                      DECIMAL(18,4)  [fraction; none] What gross_margin_ratio is to be, as known at the close
--   contribution_ratio                       DECIMAL(36,6)  [fraction; none; more is better] Contribution, which is gross margin less variable costs, as a share of these sales
--   last_month_contribution_ratio            DECIMAL(36,6)  [fraction; none; more is better] Last month: contribution, which is gross margin less variable costs, as a share of these sales
--   prior_year_contribution_ratio            DECIMAL(36,6)  [fraction; none; more is better] Same month a year before: contribution, which is gross margin less variable costs, as a share of these sales
--   profit_amount                            DECIMAL(32,2)  [reporting currency; sum; more is better] What the account earns after its variable and fixed costs
--   last_month_profit_amount                 DECIMAL(32,2)  [reporting currency; sum; more is better] Last month: what the account earns after its variable and fixed costs
--   prior_year_profit_amount                 DECIMAL(32,2)  [reporting currency; sum; more is better] Same month a year before: what the account earns after its variable and fixed costs
--   remaining_net_present_value              DECIMAL(32,2)  [reporting currency; last in time; more is better] What the business cases of the account are still worth
--   open_opportunity_amount                  DECIMAL(32,2)  [reporting currency; last in time; more is better] Value of the opportunities open at the month end
--   last_month_open_opportunity_amount       DECIMAL(32,2)  [reporting currency; last in time; more is better] Last month: value of the opportunities open at the month end
--   prior_year_open_opportunity_amount       DECIMAL(32,2)  [reporting currency; last in time; more is better] Same month a year before: value of the opportunities open at the month end
--   expected_opportunity_amount              DECIMAL(32,2)  [reporting currency; last in time; more is better] Of each, the value times its probability
--   last_month_expected_opportunity_amount   DECIMAL(32,2)  [reporting currency; last in time; more is better] Last month: of each, the value times its probability
--   prior_year_expected_opportunity_amount   DECIMAL(32,2)  [reporting currency; last in time; more is better] Same month a year before: of each, the value times its probability
--   won_opportunity_amount                   DECIMAL(32,2)  [reporting currency; sum; more is better] Value of the opportunities won in the month
--   last_month_won_opportunity_amount        DECIMAL(32,2)  [reporting currency; sum; more is better] Last month: value of the opportunities won in the month
--   prior_year_won_opportunity_amount        DECIMAL(32,2)  [reporting currency; sum; more is better] Same month a year before: value of the opportunities won in the month
--   days_to_notice                           BIGINT         [days; none] Days to the next day for notice of a contract; 366 stands for a year and more
--   last_month_days_to_notice                BIGINT         [days; none] Last month: days to the next day for notice of a contract; 366 stands for a year and more
--   prior_year_days_to_notice                BIGINT         [days; none] Same month a year before: days to the next day for notice of a contract; 366 stands for a year and more
--   fulfilment_ratio                         DECIMAL(36,6)  [fraction; none; more is better] Bought of the amounts agreed to date
--   last_month_fulfilment_ratio              DECIMAL(36,6)  [fraction; none; more is better] Last month: bought of the amounts agreed to date
--   prior_year_fulfilment_ratio              DECIMAL(36,6)  [fraction; none; more is better] Same month a year before: bought of the amounts agreed to date
--   gate_slip_days                           BIGINT         [days; none; less is better] Days by which the open gate furthest behind slips
--   last_month_gate_slip_days                BIGINT         [days; none; less is better] Last month: days by which the open gate furthest behind slips
--   prior_year_gate_slip_days                BIGINT         [days; none; less is better] Same month a year before: days by which the open gate furthest behind slips
--   open_action_count                        BIGINT         [count; last in time] Actions open at the month end
--   last_month_open_action_count             BIGINT         [count; last in time] Last month: actions open at the month end
--   prior_year_open_action_count             BIGINT         [count; last in time] Same month a year before: actions open at the month end
--   overdue_action_count                     BIGINT         [count; last in time; less is better] Of them, those past their due date
--   last_month_overdue_action_count          BIGINT         [count; last in time; less is better] Last month: of them, those past their due date
--   prior_year_overdue_action_count          BIGINT         [count; last in time; less is better] Same month a year before: of them, those past their due date
--   audit_score_ratio                        DECIMAL(36,6)  [fraction; none; more is better] Points of the newest audits as a share of the most that they give
--   last_month_audit_score_ratio             DECIMAL(36,6)  [fraction; none; more is better] Last month: points of the newest audits as a share of the most that they give
--   prior_year_audit_score_ratio             DECIMAL(36,6)  [fraction; none; more is better] Same month a year before: points of the newest audits as a share of the most that they give
--   validity_days_left                       BIGINT         [days; none; more is better] Days for which the certificate, audit or programme that ends first is still valid; below 0 it has lapsed
--   last_month_validity_days_left            BIGINT         [days; none; more is better] Last month: days for which the certificate, audit or programme that ends first is still valid; below 0 it has lapsed
--   prior_year_validity_days_left            BIGINT         [days; none; more is better] Same month a year before: days for which the certificate, audit or programme that ends first is still valid; below 0 it has lapsed
--   tax_form_outstanding_amount              DECIMAL(32,2)  [reporting currency; last in time; less is better] Sales for which tax forms are outstanding
--   last_month_tax_form_outstanding_amount   DECIMAL(32,2)  [reporting currency; last in time; less is better] Last month: sales for which tax forms are outstanding
--   prior_year_tax_form_outstanding_amount   DECIMAL(32,2)  [reporting currency; last in time; less is better] Same month a year before: sales for which tax forms are outstanding
--   tax_at_risk_amount                       DECIMAL(32,2)  [reporting currency; last in time; less is better] Tax that is due if they never come
--   last_month_tax_at_risk_amount            DECIMAL(32,2)  [reporting currency; last in time; less is better] Last month: tax that is due if they never come
--   prior_year_tax_at_risk_amount            DECIMAL(32,2)  [reporting currency; last in time; less is better] Same month a year before: tax that is due if they never come
--   undefined_figures                        VARCHAR        Figures of this month that are undefined, each with the reason; NULL where none is
--   flag_count                               BIGINT         [count; last in time; less is better] Flags raised or continuing
--   last_month_flag_count                    BIGINT         [count; last in time; less is better] Last month: flags raised or continuing, as known now
--   critical_flag_count                      BIGINT         [count; last in time; less is better] Of flag_count, the critical ones
--   raised_flag_count                        BIGINT         [count; last in time; less is better] Of flag_count, those that are new this month
--   cleared_flag_count                       BIGINT         [count; sum] Flags that ended with this month
--   flags                                    VARCHAR        Sentences of the flags raised or continuing, the gravest first; NULL where there is none
-- fmt: on
with
    headlines as (
        select
            months.period_month,
            months.months_ago,
            figures.account_id,
            figures.measure,
            figures.figure,
            figures.own_limit
        from core.headlines as figures
        join
            core.looked_months as months
            on months.looked_month = figures.looked_month
            and months.months_ago in (0, 1, 12)
            and (figures.seen <> 'at the close' or months.months_ago = 0)
            and (figures.seen <> 'in the fiscal year' or months.is_same_year)
    ),

    folded as (
        select
            period_month,
            account_id,
            map_from_entries(list(row(measure, figure)) filter (months_ago = 0)) as this_month,
            map_from_entries(list(row(measure, figure)) filter (months_ago = 1)) as last_month,
            map_from_entries(list(row(measure, figure)) filter (months_ago = 12)) as prior_year,
            any_value(own_limit) filter (
                months_ago = 0 and measure = 'receivables_kpis_by_account.exposure'
            ) as credit_limit,
            any_value(own_limit) filter (
                months_ago = 0 and measure = 'account_profit.gross_margin_ratio'
            ) as target_margin_ratio
        from headlines
        group by period_month, account_id
    ),

    columns_of_measures(column_name, measure) as (
        values
            ('net_sales_amount', 'sales.net_amount'),
            ('ordered_amount', 'sales.ordered_amount'),
            ('ytd_variance_ratio', 'sales_plan_summary_by_account.ytd_variance_ratio'),
            ('wape', 'forecast_accuracy_by_account.wape'),
            ('outstanding_amount', 'receivables_kpis_by_account.closing_amount'),
            ('overdue_ratio', 'receivables_kpis_by_account.overdue_ratio'),
            ('exposure', 'receivables_kpis_by_account.exposure'),
            ('broken_promise_count', 'promises.state'),
            ('rating_score', 'vendor_rating.score'),
            ('otif_ratio', 'delivery_performance.otif_ratio'),
            ('ppm', 'quality_performance.ppm'),
            ('open_issue_count', 'issue_performance.open'),
            ('overdue_issue_count', 'issue_performance.overdue_open'),
            ('visit_count', 'visit_performance.held'),
            ('days_since_last_visit', 'visits.days_since_last'),
            ('visit_cost_ratio', 'account_review.visit_cost_ratio'),
            ('hit_ratio', 'quotation_performance.hit_ratio'),
            ('rolling_12_hit_ratio', 'quotation_performance.rolling_12_hit_ratio'),
            ('lost_quotation_amount', 'quotation_performance.lost_amount'),
            ('competitor_price_index_ratio', 'competitor_position.index_ratio'),
            ('share_ratio', 'market_share.share_ratio'),
            ('gross_margin_ratio', 'account_profit.gross_margin_ratio'),
            ('contribution_ratio', 'account_profit.contribution_ratio'),
            ('profit_amount', 'account_profit.profit_amount'),
            ('remaining_net_present_value', 'business_cases.remaining_net_present_value'),
            ('open_opportunity_amount', 'pipeline.open_amount'),
            ('expected_opportunity_amount', 'pipeline.expected_amount'),
            ('won_opportunity_amount', 'pipeline.won_amount'),
            ('days_to_notice', 'contract_status.days_to_notice'),
            ('fulfilment_ratio', 'contract_status.fulfilment_ratio'),
            ('gate_slip_days', 'gate_performance.slip_days_requested'),
            ('open_action_count', 'action_status.open'),
            ('overdue_action_count', 'action_status.overdue'),
            ('audit_score_ratio', 'assessment_scores.score_ratio'),
            ('validity_days_left', 'assessment_scores.days_left'),
            ('tax_form_outstanding_amount', 'tax_forms_outstanding.outstanding_amount'),
            ('tax_at_risk_amount', 'tax_forms_outstanding.tax_at_risk_amount')
    ),

    undefined as (
        select
            folded.period_month,
            folded.account_id,
            string_agg(
                columns_of_measures.column_name
                || ': '
                || coalesce(
                    measures.missing_reason,
                    case
                        when columns_of_measures.column_name = 'visit_cost_ratio'
                        then 'no visit so far names its cost, or nothing was sold'
                        else 'see ' || split_part(columns_of_measures.measure, '.', 1)
                    end
                ),
                '; '
                order by columns_of_measures.column_name
            ) as undefined_figures
        from folded
        cross join columns_of_measures
        left join build.measures as measures on measures.measure = columns_of_measures.measure
        where folded.this_month[columns_of_measures.measure] is null
        group by folded.period_month, folded.account_id
    ),

    flags as (
        select
            period_month,
            account_id,
            count_if(state <> 'cleared') as flag_count,
            count_if(state <> 'raised') as last_month_flag_count,
            count_if(state <> 'cleared' and severity = 'critical') as critical_flag_count,
            count_if(state = 'raised') as raised_flag_count,
            count_if(state = 'cleared') as cleared_flag_count,
            string_agg(sentence, '; ' order by list_position(['critical', 'warning', 'info'], severity), rule) filter (
                state <> 'cleared'
            ) as flags
        from build.account_flags
        group by period_month, account_id
    )

select
    folded.period_month,
    folded.account_id,
    known(accounts.account_name) as account_name,
    known(accounts.account_manager) as account_manager,
    known(accounts.segment) as segment,
    folded.this_month['sales.net_amount'] as net_sales_amount,
    folded.last_month['sales.net_amount'] as last_month_net_sales_amount,
    folded.prior_year['sales.net_amount'] as prior_year_net_sales_amount,
    folded.this_month['sales.ordered_amount'] as ordered_amount,
    folded.last_month['sales.ordered_amount'] as last_month_ordered_amount,
    folded.prior_year['sales.ordered_amount'] as prior_year_ordered_amount,
    folded.this_month['sales_plan_summary_by_account.ytd_variance_ratio'] as ytd_variance_ratio,
    folded.last_month['sales_plan_summary_by_account.ytd_variance_ratio'] as last_month_ytd_variance_ratio,
    folded.this_month['forecast_accuracy_by_account.wape'] as wape,
    folded.last_month['forecast_accuracy_by_account.wape'] as last_month_wape,
    folded.prior_year['forecast_accuracy_by_account.wape'] as prior_year_wape,
    folded.this_month['receivables_kpis_by_account.closing_amount'] as outstanding_amount,
    folded.last_month['receivables_kpis_by_account.closing_amount'] as last_month_outstanding_amount,
    folded.prior_year['receivables_kpis_by_account.closing_amount'] as prior_year_outstanding_amount,
    folded.this_month['receivables_kpis_by_account.overdue_ratio'] as overdue_ratio,
    folded.last_month['receivables_kpis_by_account.overdue_ratio'] as last_month_overdue_ratio,
    folded.prior_year['receivables_kpis_by_account.overdue_ratio'] as prior_year_overdue_ratio,
    folded.this_month['receivables_kpis_by_account.exposure'] as exposure,
    folded.credit_limit,
    folded.this_month['promises.state'] as broken_promise_count,
    folded.last_month['promises.state'] as last_month_broken_promise_count,
    folded.prior_year['promises.state'] as prior_year_broken_promise_count,
    folded.this_month['vendor_rating.score'] as rating_score,
    folded.last_month['vendor_rating.score'] as last_month_rating_score,
    folded.prior_year['vendor_rating.score'] as prior_year_rating_score,
    folded.this_month['delivery_performance.otif_ratio'] as otif_ratio,
    folded.last_month['delivery_performance.otif_ratio'] as last_month_otif_ratio,
    folded.prior_year['delivery_performance.otif_ratio'] as prior_year_otif_ratio,
    folded.this_month['quality_performance.ppm'] as ppm,
    folded.last_month['quality_performance.ppm'] as last_month_ppm,
    folded.prior_year['quality_performance.ppm'] as prior_year_ppm,
    folded.this_month['issue_performance.open'] as open_issue_count,
    folded.last_month['issue_performance.open'] as last_month_open_issue_count,
    folded.prior_year['issue_performance.open'] as prior_year_open_issue_count,
    folded.this_month['issue_performance.overdue_open'] as overdue_issue_count,
    folded.last_month['issue_performance.overdue_open'] as last_month_overdue_issue_count,
    folded.prior_year['issue_performance.overdue_open'] as prior_year_overdue_issue_count,
    folded.this_month['visit_performance.held'] as visit_count,
    folded.last_month['visit_performance.held'] as last_month_visit_count,
    folded.prior_year['visit_performance.held'] as prior_year_visit_count,
    folded.this_month['visits.days_since_last'] as days_since_last_visit,
    folded.last_month['visits.days_since_last'] as last_month_days_since_last_visit,
    folded.prior_year['visits.days_since_last'] as prior_year_days_since_last_visit,
    folded.this_month['account_review.visit_cost_ratio'] as visit_cost_ratio,
    folded.last_month['account_review.visit_cost_ratio'] as last_month_visit_cost_ratio,
    folded.prior_year['account_review.visit_cost_ratio'] as prior_year_visit_cost_ratio,
    folded.this_month['quotation_performance.hit_ratio'] as hit_ratio,
    folded.last_month['quotation_performance.hit_ratio'] as last_month_hit_ratio,
    folded.prior_year['quotation_performance.hit_ratio'] as prior_year_hit_ratio,
    folded.this_month['quotation_performance.rolling_12_hit_ratio'] as rolling_12_hit_ratio,
    folded.last_month['quotation_performance.rolling_12_hit_ratio'] as last_month_rolling_12_hit_ratio,
    folded.prior_year['quotation_performance.rolling_12_hit_ratio'] as prior_year_rolling_12_hit_ratio,
    folded.this_month['quotation_performance.lost_amount'] as lost_quotation_amount,
    folded.last_month['quotation_performance.lost_amount'] as last_month_lost_quotation_amount,
    folded.prior_year['quotation_performance.lost_amount'] as prior_year_lost_quotation_amount,
    folded.this_month['competitor_position.index_ratio'] as competitor_price_index_ratio,
    folded.last_month['competitor_position.index_ratio'] as last_month_competitor_price_index_ratio,
    folded.prior_year['competitor_position.index_ratio'] as prior_year_competitor_price_index_ratio,
    folded.this_month['market_share.share_ratio'] as share_ratio,
    folded.last_month['market_share.share_ratio'] as last_month_share_ratio,
    folded.prior_year['market_share.share_ratio'] as prior_year_share_ratio,
    folded.this_month['account_profit.gross_margin_ratio'] as gross_margin_ratio,
    folded.last_month['account_profit.gross_margin_ratio'] as last_month_gross_margin_ratio,
    folded.prior_year['account_profit.gross_margin_ratio'] as prior_year_gross_margin_ratio,
    folded.target_margin_ratio,
    folded.this_month['account_profit.contribution_ratio'] as contribution_ratio,
    folded.last_month['account_profit.contribution_ratio'] as last_month_contribution_ratio,
    folded.prior_year['account_profit.contribution_ratio'] as prior_year_contribution_ratio,
    folded.this_month['account_profit.profit_amount'] as profit_amount,
    folded.last_month['account_profit.profit_amount'] as last_month_profit_amount,
    folded.prior_year['account_profit.profit_amount'] as prior_year_profit_amount,
    folded.this_month['business_cases.remaining_net_present_value'] as remaining_net_present_value,
    folded.this_month['pipeline.open_amount'] as open_opportunity_amount,
    folded.last_month['pipeline.open_amount'] as last_month_open_opportunity_amount,
    folded.prior_year['pipeline.open_amount'] as prior_year_open_opportunity_amount,
    folded.this_month['pipeline.expected_amount'] as expected_opportunity_amount,
    folded.last_month['pipeline.expected_amount'] as last_month_expected_opportunity_amount,
    folded.prior_year['pipeline.expected_amount'] as prior_year_expected_opportunity_amount,
    folded.this_month['pipeline.won_amount'] as won_opportunity_amount,
    folded.last_month['pipeline.won_amount'] as last_month_won_opportunity_amount,
    folded.prior_year['pipeline.won_amount'] as prior_year_won_opportunity_amount,
    folded.this_month['contract_status.days_to_notice'] as days_to_notice,
    folded.last_month['contract_status.days_to_notice'] as last_month_days_to_notice,
    folded.prior_year['contract_status.days_to_notice'] as prior_year_days_to_notice,
    folded.this_month['contract_status.fulfilment_ratio'] as fulfilment_ratio,
    folded.last_month['contract_status.fulfilment_ratio'] as last_month_fulfilment_ratio,
    folded.prior_year['contract_status.fulfilment_ratio'] as prior_year_fulfilment_ratio,
    folded.this_month['gate_performance.slip_days_requested'] as gate_slip_days,
    folded.last_month['gate_performance.slip_days_requested'] as last_month_gate_slip_days,
    folded.prior_year['gate_performance.slip_days_requested'] as prior_year_gate_slip_days,
    folded.this_month['action_status.open'] as open_action_count,
    folded.last_month['action_status.open'] as last_month_open_action_count,
    folded.prior_year['action_status.open'] as prior_year_open_action_count,
    folded.this_month['action_status.overdue'] as overdue_action_count,
    folded.last_month['action_status.overdue'] as last_month_overdue_action_count,
    folded.prior_year['action_status.overdue'] as prior_year_overdue_action_count,
    folded.this_month['assessment_scores.score_ratio'] as audit_score_ratio,
    folded.last_month['assessment_scores.score_ratio'] as last_month_audit_score_ratio,
    folded.prior_year['assessment_scores.score_ratio'] as prior_year_audit_score_ratio,
    folded.this_month['assessment_scores.days_left'] as validity_days_left,
    folded.last_month['assessment_scores.days_left'] as last_month_validity_days_left,
    folded.prior_year['assessment_scores.days_left'] as prior_year_validity_days_left,
    folded.this_month['tax_forms_outstanding.outstanding_amount'] as tax_form_outstanding_amount,
    folded.last_month['tax_forms_outstanding.outstanding_amount'] as last_month_tax_form_outstanding_amount,
    folded.prior_year['tax_forms_outstanding.outstanding_amount'] as prior_year_tax_form_outstanding_amount,
    folded.this_month['tax_forms_outstanding.tax_at_risk_amount'] as tax_at_risk_amount,
    folded.last_month['tax_forms_outstanding.tax_at_risk_amount'] as last_month_tax_at_risk_amount,
    folded.prior_year['tax_forms_outstanding.tax_at_risk_amount'] as prior_year_tax_at_risk_amount,
    undefined.undefined_figures,
    coalesce(flags.flag_count, 0) as flag_count,
    coalesce(flags.last_month_flag_count, 0) as last_month_flag_count,
    coalesce(flags.critical_flag_count, 0) as critical_flag_count,
    coalesce(flags.raised_flag_count, 0) as raised_flag_count,
    coalesce(flags.cleared_flag_count, 0) as cleared_flag_count,
    flags.flags
from folded
left join core.accounts as accounts on accounts.account_id = folded.account_id
left join undefined on undefined.period_month = folded.period_month and undefined.account_id = folded.account_id
left join flags on flags.period_month = folded.period_month and flags.account_id = folded.account_id
