-- fmt: off
-- grain: period_month, control, currency
-- why: figures that are reached in two ways and must agree, for the newest version of each month
-- adds up within one: control
-- columns:
--   period_month               DATE
--   close_version              BIGINT
--   control                    VARCHAR        What is compared with what
--   currency                   VARCHAR        here: Currency of the amounts; an empty text = the reporting currency, all = several currencies together; rows, units or points for what is not money
--   left_amount                DECIMAL(38,4)  [as the row says; none] The first figure
--   right_amount               DECIMAL(38,4)  [as the row says; none] The second figure, with what is left out on purpose
--   difference                 DECIMAL(38,4)  [as the row says; none] Zero, or the month was not published := left_amount − right_amount
--   severity                   VARCHAR        critical: a month that does not tie is not published
--   untied_count               BIGINT         [count; sum] Accounts that do not tie, each counted alone; zero, or the month was not published
--   first_untied               VARCHAR        The account that differs most (for rows, the load); NULL when all tie
--   first_untied_left_amount   DECIMAL(38,4)  [as the row says; none] Its first figure
--   first_untied_right_amount  DECIMAL(38,4)  [as the row says; none] Its second figure
-- fmt: on
select totals.*
from ops.control_totals as totals
semi join
    (select period_month, max(close_version) as close_version from ops.shown_closes group by period_month) as newest
    on newest.period_month = totals.period_month
    and newest.close_version = totals.close_version
