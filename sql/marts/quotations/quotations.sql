-- fmt: off
-- grain: period_month, quotation_id
-- why: the quotations that are open at the month end, or were asked for, first quoted or decided in the month, as known then.
--   quotation_performance counts them
-- method: quotations-1
-- needs: quotations
-- lines: core.quotations by quotation_id
-- columns:
--   period_month              DATE
--   quotation_id              VARCHAR        The quotation
--   revision                  INTEGER        [number; none] Its newest revision by the month end; one quoted after the decision does not count
--   revision_count            BIGINT         [count; none] Revisions by the month end
--   account_id                VARCHAR
--   account_name              VARCHAR
--   account_manager           VARCHAR
--   document_account_manager  VARCHAR        here: Manager that the quotation names, else the account's
--   product_id                VARCHAR        here: The part asked for; NULL where the quotation names none
--   product_line              VARCHAR        here: Product line of the part; unknown where the quotation names no part, or master data no line
--   project_id                VARCHAR        The project of the customer
--   project_type              VARCHAR
--   rfq_date                  DATE           Day on which the customer asked for the offer, of the first revision
--   requested_by              DATE           Day by which the customer wanted it, of the first revision
--   first_quoted_date         DATE           Day of the first offer; NULL where there was none by the month end
--   quoted_date               DATE           Day of the newest offer
--   currency                  VARCHAR        here: Currency of the prices
--   quantity                  DECIMAL(34,4)  [units of the item; none] Quantity per year of the newest offer; before any, the one asked for
--   unit_price                DECIMAL(24,10) [document currency; none] Price of the newest offer; NULL before any
--   target_price              DECIMAL(24,10) [document currency; none] Price that the customer wants to pay
--   amount                    DECIMAL(32,2)  [reporting currency; last in time] Quantity times price of the newest offer, at the rate of the day on which it was made
--   amount_reason             VARCHAR        Why amount is undefined: no offer by the month end, an offer without price or quantity, or no rate
--   price_gap_amount          DECIMAL(32,2)  [reporting currency; sum; less is better] Of one first quoted in the month: (price − target price) × quantity of its newest offer
--   target_amount             DECIMAL(32,2)  [reporting currency; sum] The same offer at the target price
--   price_gap_amount_reason   VARCHAR        Why price_gap_amount is undefined; target_amount is undefined then too
--   decision                  VARCHAR        How it ended: won, lost, declined by us, withdrawn by the customer; NULL while it is open
--   decided_date              DATE           Day of the decision; NULL while it is open
--   lost_reason               VARCHAR        Why it was lost, in the source's own words
--   competitor_id             VARCHAR        The competitor who got the business
--   order_id                  VARCHAR        The order that came of it
--   is_open                   BOOLEAN        Whether it was not decided by the month end
--   is_received               BOOLEAN        Whether the customer asked for it in the month
--   is_package_complete       BOOLEAN        Whether it was asked for in the month with drawing, quantities, specification, usage and sample, as its first revision says
--   is_quoted                 BOOLEAN        Whether the first offer was made in the month
--   is_quoted_on_time         BOOLEAN        Whether it was made in the month and by requested_by
--   turnaround_days           BIGINT         [days; sum; less is better] Of one first quoted in the month: days from the request to the offer
--   is_won                    BOOLEAN        Whether it was won in the month
--   is_lost                   BOOLEAN        Whether it was lost in the month
--   is_declined               BOOLEAN        Whether we declined it in the month
--   is_withdrawn              BOOLEAN        Whether the customer withdrew it in the month
-- fmt: on
select
    months.*,
    known(accounts.account_name) as account_name,
    known(accounts.account_manager) as account_manager,
    known(coalesce(months.document_manager, accounts.account_manager)) as document_account_manager,
    known(products.product_line) as product_line
from core.quotation_months as months
semi join build.periods as periods on periods.period_month = months.period_month
left join core.accounts as accounts on accounts.account_id = months.account_id
left join core.products as products on products.product_id = months.product_id
