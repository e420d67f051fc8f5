-- fmt: off
-- grain: correction      from: looked_up, the corrections with what is known of their rows
-- why: found_value is what the source says, state how the correction stands to it, fault why it is stale
-- fmt: on
with
    looked_up as ({{ looked_up }}),

    judged as (
        select
            *,
            case
                when is_there and found_value is distinct from wrong_value
                then
                    case
                        when found_value is not distinct from right_value
                        then 'the source was corrected; remove the correction'
                        else
                            'the source has changed to '
                            || coalesce(found_value, 'nothing')
                            || '; change the correction or remove it'
                    end
                when is_there and is_too_little
                then 'the row needs this value or another in its place; give one'
                when is_there
                then null
                when was_there
                then 'the row is no longer in the source; remove the correction'
                when not comes_later
                then 'no such row was ever loaded; fix the key or load its extract'
            end as fault
        from looked_up
    )

select
    * exclude (is_there, was_there, comes_later, is_too_little, fault),
    case when fault is not null then 'stale' when is_there then 'applied' else 'not yet loaded' end as state,
    fault
from judged
