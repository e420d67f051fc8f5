-- fmt: off
-- grain: month built × measure that a target or an action of it names × account × manager
-- why: the parts of these measures, added up by account: figures of a manager or of all add up these, and a ratio is
--   made from its parts. Only the measures that are named are read
-- template: wanted measures
-- columns:
--   period_month     DATE
--   measure          VARCHAR
--   account_id       VARCHAR
--   account_manager  VARCHAR
--   row_count        BIGINT
--   numerator        DECIMAL(38,6)
--   denominator      DECIMAL(38,6)
--   lacking_count    BIGINT
--   reason           VARCHAR
--   least_mixing     VARCHAR
--   greatest_mixing  VARCHAR
-- fmt: on
select
    null::date as period_month,
    null::varchar as measure,
    null::varchar as account_id,
    null::varchar as account_manager,
    0::bigint as row_count,
    0::decimal(38, 6) as numerator,
    0::decimal(38, 6) as denominator,
    0::bigint as lacking_count,
    null::varchar as reason,
    null::varchar as least_mixing,
    null::varchar as greatest_mixing
where false
{% for measure in measures %}
    union all
    select
        period_month,
        '{{ measure.name }}',
        {{ measure.account_id }},
        {{ measure.account_manager }},
        count(*),
        sum(({{ measure.numerator }})::decimal(38, 6)),
        sum(({{ measure.denominator }})::decimal(38, 6)) filter (({{ measure.numerator }}) is not null),
        count(*) - count({{ measure.numerator }}),
        min({{ measure.reason }}),
        min({{ measure.mixing }}),
        max({{ measure.mixing }})
    from {{ measure.relation }}
    where {{ measure.where }}
    group by period_month, {{ measure.account_id }}, {{ measure.account_manager }}
{% endfor %}
