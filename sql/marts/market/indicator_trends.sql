-- fmt: off
-- grain: period_month, indicator
-- why: the figures of the economy that our markets follow, against the same month a year before; market_share is to be read beside them
-- method: indicator-trends-1
-- needs: indicators
-- lines: core.indicators by indicator where line.month in (figure.period_month, (figure.period_month - interval 12 month)::date)
-- columns:
--   period_month             DATE
--   indicator                VARCHAR        What is measured, such as vehicle production
--   unit                     VARCHAR        here: Unit of the figures, as the source says it
--   source                   VARCHAR        Who says so; where the month has no value, who said that of a year before
--   value                    DECIMAL(36,6)  [as the row says; none] Its value in the month
--   value_reason             VARCHAR
--   prior_year_value         DECIMAL(36,6)  [as the row says; none] Its value in the same month a year before
--   prior_year_value_reason  VARCHAR
--   change_value             DECIMAL(36,6)  [as the row says; none] What it rose by := value − prior_year_value
--   change_value_reason      VARCHAR
--   change_ratio             DECIMAL(36,6)  [fraction; none] The change as a share of the value of a year before
--   change_ratio_reason      VARCHAR
-- fmt: on
with
    given as (
        select
            periods.period_month,
            indicators.indicator,
            max_by(indicators, indicators.month) as newest,
            any_value(indicators.value::decimal(36, 6)) filter (is_current) as value,
            any_value(indicators.value::decimal(36, 6)) filter (not is_current) as prior_year_value,
            count(distinct lower(indicators.unit)) > 1 as has_two_units
        from
            (
                select
                    periods.period_month,
                    months.period_month as month,
                    months.month_index = periods.month_index as is_current
                from build.periods as periods
                join core.months as months on months.month_index in (periods.month_index, periods.month_index - 12)
            ) as periods
        join core.indicators as indicators using (month)
        group by periods.period_month, indicators.indicator
    ),

    explained as (
        select
            *,
            case when value is null then 'no value for the month' end as value_reason,
            case
                when prior_year_value is null then 'no value for the month a year before'
            end as prior_year_value_reason,
            coalesce(
                value_reason, prior_year_value_reason, case when has_two_units then 'its unit changed' end
            ) as change_value_reason,
            coalesce(
                change_value_reason,
                case when prior_year_value <= 0 then 'the value a year before is not above zero' end
            ) as change_ratio_reason
        from given
    )

select
    period_month,
    indicator,
    newest.unit as unit,
    newest.source as source,
    value,
    value_reason,
    prior_year_value,
    prior_year_value_reason,
    case when change_value_reason is null then value - prior_year_value end as change_value,
    change_value_reason,
    case
        when change_ratio_reason is null then shown_ratio(ratio(value - prior_year_value, prior_year_value))
    end as change_ratio,
    change_ratio_reason
from explained
