-- grain: business month
-- why: the months that ratings look back on: the trailing twelve of each month built, and its fiscal year to date
SELECT months.period_month, months.as_of_date, months.month_index
FROM core.months AS months
WHERE EXISTS (
    SELECT 1
    FROM build.periods AS periods
    WHERE months.month_index <= periods.month_index
      AND (
          months.month_index > periods.month_index - 12
          OR months.period_month >= periods.fiscal_year_first_month
      )
)
ORDER BY months.period_month
