-- fmt: off
-- grain: month × identifiers that look alike      from: the identifiers of the months
-- why: NFKC is not in DuckDB; wide letters, composed accents and blanks are what exports differ in
-- fmt: on
with
    forms as (
        select
            period_month,
            column_name,
            identifier,
            regexp_replace(
                regexp_replace(
                    trim(lower(translate(nfc_normalize(identifier), '{{ wide }}', '{{ plain }}'))),
                    '[\p{Cf}]|\s+$',
                    '',
                    'g'
                ),
                '^(\d+)[.,]0+$',
                '\1'
            ) as form
        from batch
    )

select period_month, column_name, string_agg(identifier, ' and ' order by identifier) as identifiers
from forms
group by period_month, column_name, form
having count(*) > 1
