-- fmt: off
-- grain: flag of one version of a month      from: marts.account_flags
-- why: what is new comes first, and of that what is grave
-- fmt: on
select *
from marts.account_flags
where period_month = ? and close_version = ?
order by
    list_position(['raised', 'continuing', 'cleared'], state),
    list_position(['critical', 'warning', 'info'], severity),
    account_id,
    rule
