-- fmt: off
-- grain: month looked at × revision of a quotation that is known at its end. Quotations whose last date lies before the month, and whose
--   newest revision was decided by then, are left out. Looked at are the months built and the 23 before
-- why: what is known of a revision at the month's end, from its dates. The first one is known from the day of the request, a later one from the
--   day on which it was quoted, else from its request, and each from its decision. Where later loads overwrote a date, the newest one loaded
--   that is not after the month's end counts, with the price or decision that came with it. Dates that the newest load has taken away
--   were never true. Whether the package is complete has no date: the newest load counts that names no date after the month's end
-- columns:
--   period_month         DATE
--   start_date           DATE
--   as_of_date           DATE
--   quotation_id         VARCHAR
--   revision             INTEGER
--   is_first             BOOLEAN
--   known_on             DATE
--   quoted_date          DATE
--   decided_date         DATE
--   offer                STRUCT(quoted_date DATE, quantity DECIMAL(18,4), unit_price DECIMAL(24,10), target_price DECIMAL(24,10), currency VARCHAR)
--   decision             STRUCT(decided_date DATE, decision VARCHAR, lost_reason VARCHAR, competitor_id VARCHAR, order_id VARCHAR)
--   is_package_complete  BOOLEAN
-- fmt: on
with
    months as (
        select distinct months.period_month, months.start_date, months.as_of_date
        from build.periods as periods
        join core.months as months on months.month_index between periods.month_index - 23 and periods.month_index
    ),

    revisions as (
        select
            quotation_id,
            revision,
            rfq_date,
            quoted_date is not null as is_quoted,
            decided_date is not null as is_decided,
            row_number() over (partition by quotation_id order by revision) = 1 as is_first
        from core.quotations
    ),

    said as (
        select
            revisions.*,
            case
                when revisions.is_first or not revisions.is_quoted
                then revisions.rfq_date
                else coalesce(dates.quoted_date, revisions.rfq_date)
            end as known_on,
            case when revisions.is_quoted then dates.quoted_date end as quoted_date,
            case when revisions.is_decided then dates.decided_date end as decided_date,
            {
                'quoted_date':dates.quoted_date,
                'quantity':dates.quantity,
                'unit_price':dates.unit_price,
                'target_price':dates.target_price,
                'currency':coalesce(dates.currency, settings.reporting_currency)
            } as offer,
            {
                'decided_date':dates.decided_date,
                'decision':dates.decision,
                'lost_reason':dates.lost_reason,
                'competitor_id':dates.competitor_id,
                'order_id':dates.order_id
            } as decision,
            greatest(revisions.rfq_date, dates.quoted_date, dates.decided_date) as last_date,
            coalesce(
                dates.has_drawing
                and dates.has_quantity
                and dates.has_specification
                and dates.has_usage
                and dates.has_sample,
                false
            ) as is_package_complete,
            dates.load_id
        from revisions
        join core.quotation_dates as dates using (quotation_id, revision)
        cross join build.settings as settings
    ),

    lives as (
        select
            quotation_id,
            min(rfq_date) filter (is_first) as first_date,
            max(last_date) as last_date,
            arg_max(is_decided, revision) as is_decided
        from said
        group by quotation_id
    ),

    looked as (
        select months.*, lives.quotation_id
        from lives
        join
            months
            on months.as_of_date >= lives.first_date
            and (months.start_date <= lives.last_date or not lives.is_decided)
    )

select
    looked.period_month,
    looked.start_date,
    looked.as_of_date,
    looked.quotation_id,
    said.revision,
    said.is_first,
    arg_max(said.known_on, said.load_id) filter (said.known_on <= looked.as_of_date) as known_on,
    arg_max(said.quoted_date, said.load_id) filter (said.quoted_date <= looked.as_of_date) as quoted_date,
    arg_max(said.decided_date, said.load_id) filter (said.decided_date <= looked.as_of_date) as decided_date,
    arg_max(said.offer, said.load_id) filter (said.quoted_date <= looked.as_of_date) as offer,
    arg_max(said.decision, said.load_id) filter (said.decided_date <= looked.as_of_date) as decision,
    coalesce(
        arg_max(said.is_package_complete, said.load_id) filter (said.last_date <= looked.as_of_date),
        arg_max(said.is_package_complete, said.load_id)
    ) as is_package_complete
from looked
join said on said.quotation_id = looked.quotation_id
group by looked.period_month, looked.start_date, looked.as_of_date, looked.quotation_id, said.revision, said.is_first
having count(*) filter (said.known_on <= looked.as_of_date or said.decided_date <= looked.as_of_date) > 0
