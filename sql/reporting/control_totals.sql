-- fmt: off
-- grain: period_month, control, currency
-- why: figures that were reached by two ways and have to agree, for the newest version of each month
-- columns:
--   period_month               DATE           The month closed, as its first day
--   close_version              BIGINT         Version of the close
--   control                    VARCHAR        What is compared with what
--   currency                   VARCHAR        Currency of the amounts; empty = the reporting currency, all = several; rows, units or points for what is no money
--   left_amount                DECIMAL(38,4)  The first figure
--   right_amount               DECIMAL(38,4)  The second figure, with what is left out on purpose
--   difference                 DECIMAL(38,4)  Zero, or the month was not published := left_amount − right_amount
--   severity                   VARCHAR        critical: a month that does not tie is not published
--   untied_count               BIGINT         Accounts that do not tie, each for itself; zero, or the month was not published
--   first_untied               VARCHAR        The account that differs most (for rows, the load); empty when all tie
--   first_untied_left_amount   DECIMAL(38,4)  Its first figure
--   first_untied_right_amount  DECIMAL(38,4)  Its second figure
-- fmt: on
select totals.*
from ops.control_totals as totals
semi join
    (select period_month, max(close_version) as close_version from ops.closes group by period_month) as newest
    on newest.period_month = totals.period_month
    and newest.close_version = totals.close_version
