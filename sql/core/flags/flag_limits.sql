-- fmt: off
-- grain: account × rule that is in force for it
-- why: the threshold of a rule is the account's own, else that of its segment, else the rule's; without one the rule is off
-- columns:
--   account_id  VARCHAR
--   rule        VARCHAR
--   threshold   DECIMAL(36,6)
-- fmt: on
with
    accounts as (select distinct account_id from core.headlines),

    chosen as (
        select accounts.account_id, thresholds.rule, thresholds.threshold
        from accounts
        left join core.accounts as master on master.account_id = accounts.account_id
        join
            build.flag_thresholds as thresholds
            on (thresholds.account_id is null and thresholds.segment is null)
            or thresholds.account_id = accounts.account_id
            or thresholds.segment = master.segment
        qualify
            row_number() over (
                partition by accounts.account_id, thresholds.rule
                order by thresholds.account_id is null, thresholds.segment is null
            )
            = 1
    )

select account_id, rule, threshold
from chosen
where threshold is not null
