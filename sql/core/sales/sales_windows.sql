-- fmt: off
-- grain: month built × month of sales that it looks at
-- why: which sales a month is made of and compared with: its own, those of the month before and of the same month a year
--   before, the fiscal year to date and twelve months to date. Where the site has market figures, those of two years before too: for
--   the market shares of the last twelve months, each with the same month a year before
-- columns:
--   period_month    DATE
--   sales_month     DATE
--   is_current      BOOLEAN
--   is_prior_month  BOOLEAN
--   is_prior_year   BOOLEAN
--   is_ytd          BOOLEAN
--   is_rolling_12   BOOLEAN
-- fmt: on
select
    periods.period_month,
    months.period_month as sales_month,
    months.month_index = periods.month_index as is_current,
    months.month_index = periods.month_index - 1 as is_prior_month,
    months.month_index = periods.month_index - 12 as is_prior_year,
    months.fiscal_year = periods.fiscal_year as is_ytd,
    months.month_index > periods.month_index - 12 as is_rolling_12
from build.periods as periods
cross join build.settings as settings
join
    core.months as months
    on months.month_index <= periods.month_index
    and (
        months.month_index
        >= periods.month_index - case when list_contains(settings.declared_feeds, 'market') then 24 else 12 end
        or months.fiscal_year = periods.fiscal_year
    )
