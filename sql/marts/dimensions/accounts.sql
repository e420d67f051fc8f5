-- fmt: off
-- grain: period_month, account_id
-- why: the customer accounts as known at the close, with all that the account master says. An account that only other
--   feeds name by the month's end has a row too
-- method: accounts-1
-- lines: core.accounts by account_id
-- columns:
--   period_month         DATE
--   account_id           VARCHAR
--   account_name         VARCHAR
--   parent_account_id    VARCHAR        The account this one belongs to
--   top_account_id       VARCHAR        The account at the top of its group; itself where it belongs to none
--   account_manager      VARCHAR
--   segment              VARCHAR        here: Customer segment
--   industry             VARCHAR        Industry of the customer
--   region               VARCHAR        Sales region
--   country              VARCHAR        Country of the customer
--   key_account          BOOLEAN        Whether it is a key account
--   account_type         VARCHAR        Kind of customer, such as OEM, dealer, fleet or distributor
--   account_class        VARCHAR        Class of the account, such as A, B or C
--   business_unit        VARCHAR        Business unit that serves the account
--   customer_since       DATE           First day as a customer
--   quality_standard     VARCHAR        Quality standard that the customer asks for
--   currency             VARCHAR        here: Currency of the credit limit and the annual spend
--   payment_terms_days   INTEGER        [days; none] Days from invoice date to due date
--   credit_limit         DECIMAL(18,2)  [document currency; last in time] The most the customer may owe
--   annual_spend         DECIMAL(18,2)  [document currency; last in time] What it buys of our product lines per year, from all suppliers
--   annual_quantity      DECIMAL(18,4)  [units of the item; last in time] Quantity that it buys of our product lines per year, from all suppliers
--   target_margin_ratio  DECIMAL(18,6)  [fraction; none] Gross margin that we aim at, as a share of net sales
--   is_in_master         BOOLEAN        Whether the account master has it
-- fmt: on
with
    ids as (
        select periods.period_month, keys.account_id
        from core.feed_accounts as keys
        join build.periods as periods on keys.first_date <= greatest(periods.as_of_date, periods.period_month)
        union
        select periods.period_month, accounts.parent_account_id
        from core.accounts as accounts
        cross join build.periods as periods
        where accounts.parent_account_id is not null
    )

select
    ids.period_month,
    ids.account_id,
    known(accounts.account_name) as account_name,
    accounts.parent_account_id,
    case when tops.account_id is null then ids.account_id else tops.top_account_id end as top_account_id,
    known(accounts.account_manager) as account_manager,
    accounts.segment,
    accounts.industry,
    accounts.region,
    accounts.country,
    accounts.key_account,
    accounts.account_type,
    accounts.account_class,
    accounts.business_unit,
    accounts.customer_since,
    accounts.quality_standard,
    accounts.currency,
    accounts.payment_terms_days,
    accounts.credit_limit,
    accounts.annual_spend,
    accounts.annual_quantity,
    accounts.target_margin_ratio,
    accounts.account_id is not null as is_in_master
from ids
left join core.accounts as accounts on accounts.account_id = ids.account_id
left join core.account_tops as tops on tops.account_id = ids.account_id
