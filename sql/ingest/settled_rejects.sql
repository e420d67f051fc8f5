-- fmt: off
-- grain: open reject of an earlier load that the load $load_id settles
-- from: the temporary tables waiting (rejects of the feed that were open) and came (keys and marks of this load)
-- why: a reject is known by its key or by the mark of an exported file; one of a load that this one replaces is settled
--   even when its row is gone
-- fmt: on
select load_id, source_row, source_column, bool_or(is_good) as is_good
from
    (
        select waiting.load_id, waiting.source_row, waiting.source_column, came.is_good
        from waiting
        join came on came.business_key = waiting.business_key
        union all
        select waiting.load_id, waiting.source_row, waiting.source_column, came.is_good
        from waiting
        join came on came.mark = waiting.mark
        union all
        select
            load_id,
            source_row,
            source_column,
            source not in (select source from staging.rejects where load_id = $load_id)
        from waiting
        where
            is_replaced and (business_key is null or business_key not in (select coalesce(business_key, '') from came))
    )
group by load_id, source_row, source_column
