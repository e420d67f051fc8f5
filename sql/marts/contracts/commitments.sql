-- fmt: off
-- grain: period_month, commitment_id
-- why: what was promised, by us or by the customer, and what of it was done or bought by the month end. contract_status adds it up
-- method: commitments-1
-- needs: commitments
-- lines: core.commitments by commitment_id;
--   for bought_*: core.commitment_sales by commitment_id where line.sale_date <= figure.counted_to sums bought_quantity = quantity,
--     bought_amount = amount
-- columns:
--   period_month               DATE
--   commitment_id              VARCHAR        The commitment
--   contract_id                VARCHAR        The contract that it belongs to; NULL where it stands alone
--   account_id                 VARCHAR
--   account_name               VARCHAR
--   account_manager            VARCHAR
--   party                      VARCHAR        Who committed to it: ours or customer
--   title                      VARCHAR        What was promised
--   product_line               VARCHAR        here: The product line concerned; NULL where it is about one part or about all
--   product_id                 VARCHAR        here: The part concerned; NULL where it is about several
--   from_date                  DATE           First day on which it holds
--   to_date                    DATE           Last day on which it holds
--   counted_to                 DATE           Last day that counts by now: the month end, to_date, or the day on which the contract was terminated, whichever is first
--   due_date                   DATE           Day by which it is due; NULL for a volume
--   fulfilled_on               DATE           Day on which it was done, by the month end
--   is_due                     BOOLEAN        Whether its due date has come by the month end
--   is_fulfilled               BOOLEAN        Whether it was done by the month end
--   is_overdue                 BOOLEAN        Whether its due date lies before the month end and it is not done
--   committed_quantity         DECIMAL(34,4)  [units of the item; last in time] Quantity to be bought by now := quantity × days from from_date to counted_to ÷ days from from_date to to_date
--   committed_quantity_reason  VARCHAR
--   bought_quantity            DECIMAL(34,4)  [units of the item; last in time; more is better] Net quantity invoiced in these days, credit notes negative
--   bought_quantity_reason     VARCHAR
--   committed_amount           DECIMAL(32,2)  [reporting currency; last in time] Amount to be bought by now, at the closing rate := amount × days from from_date to counted_to ÷ days from from_date to to_date
--   committed_amount_reason    VARCHAR
--   bought_amount              DECIMAL(32,2)  [reporting currency; last in time; more is better] Net amount invoiced in these days, credit notes negative, at the average rate of each month
--   bought_amount_reason       VARCHAR
-- fmt: on
select
    months.looked_month as period_month,
    months.*,
    known(accounts.account_name) as account_name,
    known(accounts.account_manager) as account_manager
from core.commitment_months as months
semi join build.periods as periods on periods.period_month = months.looked_month
left join core.accounts as accounts on accounts.account_id = months.account_id
