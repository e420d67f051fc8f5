-- fmt: off
-- invariant: The newest revision of a decided quotation says how it was decided.
-- finding: The newest revision of {n} decided (quotation|quotations) does not say how it was decided
-- if it fails: the quotation counts as open, because its newest revision is not decided. Enter the decision in the newest revision too.
-- severity: warning
-- owner: Key-account management
-- keys: quotation_id, revision, decision, decided_date, newest_revision
-- fmt: on
select
    days.period_month,
    earlier.quotation_id,
    earlier.revision,
    earlier.decision,
    earlier.decided_date,
    min(later.revision) as newest_revision
from core.quotations as earlier
join
    core.quotations as later
    on later.quotation_id = earlier.quotation_id
    and later.revision > earlier.revision
    and later.decided_date is null
    and coalesce(later.quoted_date, later.rfq_date) <= earlier.decided_date
join core.days as days on days.calendar_date = earlier.decided_date
semi join build.periods as periods on periods.period_month = days.period_month
group by days.period_month, earlier.quotation_id, earlier.revision, earlier.decision, earlier.decided_date
