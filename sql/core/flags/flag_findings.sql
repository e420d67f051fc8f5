-- fmt: off
-- grain: month built × account × rule × month looked back on
-- why: whether a rule fires in each month; NULL where its figure, or what it is compared with, is not known. A figure is
--   compared with what the twelve months up to the month built know of it
-- columns:
--   period_month    DATE
--   account_id      VARCHAR
--   rule            VARCHAR
--   months_ago      INTEGER
--   figure          DECIMAL(36,6)
--   compared_to     DECIMAL(36,6)
--   compared_month  DATE
--   threshold       DECIMAL(36,6)
--   deviation_mads  DECIMAL(36,6)
--   look_at         VARCHAR
--   is_fired        BOOLEAN
-- fmt: on
with
    looking as (
        select
            months.period_month,
            months.looked_month,
            months.month_index,
            months.months_ago,
            figures.account_id,
            figures.basis,
            figures.figure,
            figures.look_at,
            rules.rule,
            rules.direction,
            case
                when rules.direction in ('above its limit', 'below its limit')
                then shown_ratio(figures.own_limit::double * limits.threshold::double)
                else limits.threshold
            end as threshold
        from core.headlines as figures
        join
            core.looked_months as months
            on months.looked_month = figures.looked_month
            and (figures.seen <> 'at the close' or months.months_ago = 0)
            and (figures.seen <> 'in the fiscal year' or months.is_same_year)
        join build.flag_rules as rules on rules.measure = figures.measure
        join core.flag_limits as limits on limits.account_id = figures.account_id and limits.rule = rules.rule
    ),

    -- Only some rules look at earlier figures, and lists of them take long.
    earlier as (
        select
            *,
            list({'month':looked_month, 'figure':figure}) filter (
                figure is not null and direction in ('rise', 'fall', 'change')
            ) over months_before as points
        from looking
        window
            months_before as (
                partition by period_month, account_id, rule, basis
                order by month_index
                range between 12 preceding and 1 preceding
            )
    ),

    compared as (
        select
            *,
            case when len(points) >= 6 then list_median([point.figure for point in points]) end as median,
            case
                when len(points) >= 6 then 1.4826 * list_aggregate([point.figure for point in points], 'mad')::double
            end as scaled_mad,
            figure < points[-1].figure
            and points[-1].figure < points[-2].figure
            and points[-2].figure < points[-3].figure as falls_again
        from earlier
    )

select
    period_month,
    account_id,
    rule,
    months_ago,
    figure,
    case when direction = 'change' then median when direction in ('rise', 'fall') then points[-1].figure end::decimal(
        36, 6
    ) as compared_to,
    case when direction in ('rise', 'fall') then points[-1].month end as compared_month,
    threshold,
    case
        when direction = 'change' then shown_ratio(ratio(figure::double - median::double, scaled_mad))
    end as deviation_mads,
    look_at,
    case
        direction
        when 'above'
        then figure > threshold
        when 'above its limit'
        then figure > threshold
        when 'below its limit'
        then figure < threshold
        when 'below'
        then figure < threshold
        when 'at most'
        then figure <= threshold
        when 'rise'
        then figure - points[-1].figure > threshold
        when 'fall'
        then points[-1].figure - figure > threshold or coalesce(falls_again, false)
        when 'change'
        then
            abs(figure - median) > abs(median)::double * settings.significant_change_ratio::double
            and abs(figure - median)::double > threshold::double * scaled_mad
    end as is_fired
from compared
cross join build.settings as settings
