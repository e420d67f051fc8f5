-- fmt: off
-- grain: period_month, account_id
-- why: what there is to decide on an account's credit: its latest review, its limit, what it owes and how late it pays. Accounts without
--   a review by the month end and without receivables in the month have no rows
-- method: credit-files-1
-- needs: receivables|credit_reviews
-- lines: core.credit_reviews by account_id, reviewed_on;
--   for credit_limit: core.accounts by account_id;
--   for exposure, settled_amount, settled_amount_days: build.receivables_kpis by period_month, account_id where line.level = 'account'
--     sums exposure, settled_amount, settled_amount_days
-- columns:
--   period_month                  DATE
--   account_id                    VARCHAR
--   account_name                  VARCHAR
--   account_manager               VARCHAR
--   reviewed_on                   DATE           Day of the latest review by the month end
--   reviewed_on_reason            VARCHAR        Why reviewed_on and all that the review says are undefined
--   review_age_days               BIGINT         [days; none; less is better] Days from the latest review to the month end
--   next_review_on                DATE           Day by which the review says that the next one is due; NULL where it names none
--   is_review_overdue             BOOLEAN        Whether next_review_on lies before the month end
--   is_review_overdue_reason      VARCHAR
--   agency                        VARCHAR        Who reviewed the account
--   rating                        VARCHAR        Rating, in the grades of the agency
--   previous_rating               VARCHAR        Rating in the latest earlier review by the same agency that has one
--   is_rating_changed             BOOLEAN        Whether rating differs from previous_rating
--   is_rating_changed_reason      VARCHAR
--   risk_class                    VARCHAR        Risk class that the review gives
--   score                         DECIMAL(18,4)  [as the row says; none] Score, on the scale of the agency
--   recommended_limit             DECIMAL(32,2)  [reporting currency; last in time] Credit limit that the review recommends, at the closing rate
--   recommended_limit_reason      VARCHAR
--   is_blocked                    BOOLEAN        Whether the review blocks the account for orders
--   is_blocked_reason             VARCHAR
--   credit_limit                  DECIMAL(32,2)  [reporting currency; last in time] Credit limit of the account as known at the close, at the closing rate
--   credit_limit_reason           VARCHAR
--   exposure                      DECIMAL(32,2)  [reporting currency; last in time] What the account owes at the month end, and its undelivered open orders where the settings say so
--   exposure_reason               VARCHAR
--   settled_amount                DECIMAL(32,2)  [reporting currency; sum] Original amount of the account's items settled in the month, at the closing rate
--   settled_amount_days           DECIMAL(32,2)  [money times days; sum; less is better] Each of these amounts times its days late; early is 0
--   weighted_days_late            DECIMAL(32,2)  [days; ratio of settled_amount_days ÷ settled_amount; less is better] Days late of the account's items settled in the month; early is 0 := Σ amount × days late ÷ Σ amount
--   weighted_days_late_reason     VARCHAR
--   is_order_stop_advised         BOOLEAN        Whether the exposure is above the credit limit or the review blocks the account. Without a limit only the block counts, without a review only the limit
--   is_order_stop_advised_reason  VARCHAR
--   order_stop_reason             VARCHAR        Why a stop is advised: over the limit, blocked, or over the limit and blocked; NULL where none is advised
-- fmt: on
with
    graded as (
        select
            *,
            last_value(rating ignore nulls) over (
                -- The grades of two agencies do not compare.
                partition by account_id, agency order by reviewed_on rows between unbounded preceding and 1 preceding
            ) as previous_rating
        from core.credit_reviews
    ),

    reviews as (
        select periods.period_month, graded.*
        from graded
        join build.periods as periods on graded.reviewed_on <= periods.as_of_date
        qualify
            row_number() over (partition by periods.period_month, graded.account_id order by graded.reviewed_on desc)
            = 1
    ),

    settings as (
        select
            settings.declared_feeds,
            undeclared_reason('credit_reviews', settings.declared_feeds) as no_reviews,
            -- Where receivables are computed, the total has a row in any month.
            case
                when not exists (from build.receivables_kpis where level = 'total')
                then coalesce(undeclared_reason('invoices', settings.declared_feeds), '[receivables] enabled is false')
            end as no_receivables,
            case
                when settings.credit_exposure = 'outstanding_and_open_orders' then records.no_deliveries
            end as no_open_orders,
            undeclared_reason('payments', settings.declared_feeds) as no_payments
        from build.settings as settings
        cross join core.delivery_records as records
    ),

    balances as (
        select
            period_month,
            account_id,
            exposure,
            exposure_reason,
            settled_amount,
            settled_amount_days,
            weighted_days_late,
            weighted_days_late_reason
        from build.receivables_kpis
        where level = 'account'
    ),

    files as (
        select
            coalesce(reviews.period_month, balances.period_month) as period_month,
            coalesce(reviews.account_id, balances.account_id) as account_id,
            reviews.* exclude (period_month, account_id),
            case
                when reviews.reviewed_on is null then coalesce(settings.no_reviews, 'no review by the month end')
            end as review_reason,
            -- An account that owes nothing, settled nothing and ordered nothing has no balance, which is 0 and not
            -- unknown.
            balances.account_id is null as is_without_balance,
            case
                when not is_without_balance
                then balances.exposure
                when coalesce(settings.no_receivables, settings.no_open_orders) is null
                then 0
            end as exposure,
            case
                when is_without_balance
                then coalesce(settings.no_receivables, settings.no_open_orders)
                else balances.exposure_reason
            end as exposure_reason,
            case
                when not is_without_balance
                then balances.settled_amount
                when coalesce(settings.no_receivables, settings.no_payments) is null
                then 0
            end as settled_amount,
            case
                when not is_without_balance
                then balances.settled_amount_days
                when coalesce(settings.no_receivables, settings.no_payments) is null
                then 0
            end as settled_amount_days,
            balances.weighted_days_late,
            case
                when is_without_balance
                then coalesce(settings.no_receivables, settings.no_payments, 'nothing settled in the month')
                else balances.weighted_days_late_reason
            end as weighted_days_late_reason,
            settings.declared_feeds
        from reviews
        full join balances on balances.period_month = reviews.period_month and balances.account_id = reviews.account_id
        cross join settings
    ),

    valued as (
        select
            files.*,
            periods.as_of_date,
            known(accounts.account_name) as account_name,
            known(accounts.account_manager) as account_manager,
            converted(files.recommended_limit, review_rates.closing_rate) as recommended_amount,
            coalesce(
                files.review_reason,
                case when files.recommended_limit is null then 'the review recommends none' end,
                rate_reason(review_rates.closing_rate, files.currency)
            ) as recommended_reason,
            converted(accounts.credit_limit, account_rates.closing_rate) as limit_amount,
            coalesce(
                undeclared_reason('accounts', files.declared_feeds),
                case when accounts.credit_limit is null then 'no credit limit' end,
                rate_reason(account_rates.closing_rate, accounts.currency)
            ) as limit_reason,
            accounts.credit_limit is not null as has_limit,
            files.exposure > limit_amount as is_over_limit
        from files
        join build.periods as periods on periods.period_month = files.period_month
        left join core.accounts as accounts on accounts.account_id = files.account_id
        left join
            core.month_rates as account_rates
            on account_rates.period_month = files.period_month
            and account_rates.currency = accounts.currency
        left join
            core.month_rates as review_rates
            on review_rates.period_month = files.period_month
            and review_rates.currency = files.currency
    )

select
    period_month,
    account_id,
    account_name,
    account_manager,
    reviewed_on,
    review_reason as reviewed_on_reason,
    as_of_date - reviewed_on as review_age_days,
    next_review_on,
    next_review_on < as_of_date as is_review_overdue,
    coalesce(
        review_reason, case when next_review_on is null then 'the review names no next one' end
    ) as is_review_overdue_reason,
    agency,
    rating,
    previous_rating,
    rating <> previous_rating as is_rating_changed,
    coalesce(
        review_reason,
        case
            when rating is null
            then 'the review gives no rating'
            when previous_rating is null
            then 'no earlier rating by the agency'
        end
    ) as is_rating_changed_reason,
    risk_class,
    score,
    recommended_amount as recommended_limit,
    recommended_reason as recommended_limit_reason,
    is_blocked,
    coalesce(review_reason, case when is_blocked is null then 'the review does not say' end) as is_blocked_reason,
    limit_amount as credit_limit,
    limit_reason as credit_limit_reason,
    exposure,
    exposure_reason,
    settled_amount,
    settled_amount_days,
    weighted_days_late,
    weighted_days_late_reason,
    case
        when is_over_limit or is_blocked
        then true
        -- Whether an unknown exposure is above a limit is unknown, whatever the review says.
        when has_limit
        then is_over_limit
        else is_blocked
    end as is_order_stop_advised,
    case
        when is_order_stop_advised is null then coalesce(limit_reason, exposure_reason)
    end as is_order_stop_advised_reason,
    case
        when is_over_limit and is_blocked
        then 'over the limit and blocked'
        when is_over_limit
        then 'over the limit'
        when is_blocked
        then 'blocked'
    end as order_stop_reason
from valued
