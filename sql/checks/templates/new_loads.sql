-- fmt: off
-- grain: load      from: ops.loads, ops.standing_closes
-- why: what came since the last close; a month before the last one that was closed says nothing about newer months, because it
--   may have been restated only
-- fmt: on
select *, null::date as period_month
from ops.loads
where
    load_id > (
        select coalesce(max(as_of_load), 0)
        from ops.standing_closes
        where
            (getvariable('as_of_load') is null or as_of_load < getvariable('as_of_load'))
            and period_month >= coalesce(
                (
                    select max(period_month)
                    from ops.standing_closes
                    where
                        (getvariable('as_of_load') is null or as_of_load < getvariable('as_of_load'))
                        and period_month < (select min(period_month) from build.periods)
                ),
                '-infinity'::date
            )
    )
    and (getvariable('as_of_load') is null or load_id <= getvariable('as_of_load'))
