-- fmt: off
-- grain: level
-- why: how much of its credit limit an account uses, and how many accounts are above it
-- columns:
--   level_no           BIGINT
--   exposure           DECIMAL(32,2)
--   exposure_reason    VARCHAR
--   limit_amount       DECIMAL(32,2)
--   limit_reason       VARCHAR
--   credit_use_ratio   DOUBLE
--   credit_use_reason  VARCHAR
--   is_breach          BOOLEAN
--   breach_reason      VARCHAR
--   breach_count       BIGINT
-- fmt: on
with
    settings as (
        select
            settings.declared_feeds,
            case
                when settings.credit_exposure = 'outstanding_and_open_orders' then records.no_deliveries
            end as no_deliveries
        from build.settings as settings
        cross join core.delivery_records as records
    ),

    accounts as (select account_id, known(account_manager) as account_manager from core.accounts),

    exposures as (
        select
            level_no,
            period_month,
            level,
            account_id,
            account_manager,
            limit_count,
            limit_amount,
            case
                when limit_count = 0
                then coalesce(undeclared_reason('accounts', settings.declared_feeds), 'no credit limit')
                else limit_reason
            end as limit_reason,
            case when no_deliveries is null then money_round(closing_amount + open_order_amount) end as exposure,
            coalesce(no_deliveries, closing_reason, open_order_reason) as exposure_reason
        from core.receivable_levels
        cross join settings
    ),

    breaches as (
        select
            exposures.period_month,
            level_name(1, grouping(accounts.account_manager)) as level,
            accounts.account_manager,
            count(*) filter (where exposures.exposure > exposures.limit_amount) as breach_count,
            count(*) - count(exposures.exposure > exposures.limit_amount) as unknown_count,
            count(exposures.exposure > exposures.limit_amount) as known_count
        from exposures
        join accounts using (account_id)
        where exposures.level = 'account' and exposures.limit_count > 0
        group by grouping sets ((exposures.period_month, accounts.account_manager), (exposures.period_month))
    ),

    uses as (
        select
            exposures.*,
            breaches.breach_count,
            breaches.known_count,
            case
                when exposures.level = 'account' then ratio(exposures.exposure, exposures.limit_amount)
            end as credit_use_ratio,
            case
                when exposures.level = 'account' and exposures.limit_amount is not null
                then exposures.exposure > exposures.limit_amount
                -- One account above its limit is enough; none is only certain when every one is known.
                when breaches.breach_count > 0
                then true
                when breaches.unknown_count = 0
                then false
            end as is_breach
        from exposures
        left join
            breaches
            on breaches.period_month = exposures.period_month
            and breaches.level = exposures.level
            and breaches.account_manager is not distinct from exposures.account_manager
    )

select
    level_no,
    exposure,
    exposure_reason,
    limit_amount,
    limit_reason,
    credit_use_ratio,
    case
        when level <> 'account'
        then 'by account only'
        when credit_use_ratio is null
        then coalesce(limit_reason, exposure_reason, 'credit limit is zero')
    end as credit_use_reason,
    is_breach,
    case
        when is_breach is null then coalesce(limit_reason, exposure_reason, 'exposure of an account is not known')
    end as breach_reason,
    case
        when not list_contains((select declared_feeds from settings), 'accounts')
        then null
        when level = 'account'
        then case when is_breach is not null or limit_count = 0 then coalesce(is_breach, false)::bigint end
        -- Of accounts none of which is known there is no number.
        when breach_count > 0 or coalesce(known_count, 1) > 0
        then coalesce(breach_count, 0)
    end as breach_count
from uses
