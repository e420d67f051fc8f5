-- grain: business month × account × basis
-- why: the lines due are read once, for the delivery figures of the months built and the scores of the months before
SELECT
    period_month,
    account_id,
    basis,
    count(*) AS line_count,
    count_if(is_on_time) AS on_time_count,
    count_if(is_in_full) AS in_full_count,
    count_if(is_on_time AND is_in_full) AS otif_count,
    count_if(is_late) AS late_count,
    count_if(is_open) AS open_late_count,
    sum(quantity) AS quantity_due,
    sum(on_time_quantity) AS quantity_on_time,
    coalesce(sum(days_late) FILTER (is_late), 0) AS days_late
FROM core.order_due_lines
GROUP BY period_month, account_id, basis
