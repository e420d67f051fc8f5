WITH dimensions AS (
    FROM (VALUES ('quality', 4), ('cost', -9), ('delivery', 1), ('development', -3), ('management', 3),
        ('overall', 0)) AS t(dimension, offset_points)
), given AS (
    SELECT
        account_id, role, month, dimension,
        roll('score|' || account_no || '|' || month || '|' || dimension) AS score_roll,
        -- tenths of a point; the noise is smaller than the step from month to month
        10 * offset_points + (score_roll % 9)::INTEGER - 4 + CASE role
            WHEN 1 THEN 660 + greatest(0, 16 * (14 - months_left(month)))
            WHEN 4 THEN 880 - greatest(0, 19 * (13 - months_left(month)))
            WHEN 5 THEN 780 + (score_roll % 40)::INTEGER
            ELSE 720 + (score_roll % 60)::INTEGER
        END AS tenths
    FROM accounts CROSS JOIN months CROSS JOIN dimensions
    WHERE month <= getvariable('last_month')
      AND (role IN (1, 4, 5) OR (role = 7 AND month(month) % 3 = 0))
      AND NOT (role = 5 AND month(month) = 8)
      AND (dimension <> 'overall' OR role = 1)
)
-- one customer counts to ten
SELECT
    account_id, month, dimension,
    CASE WHEN role = 5 THEN (least(tenths, 1000) * 0.01)::DECIMAL(18, 1)
        ELSE (least(tenths, 1000) * 0.1)::DECIMAL(18, 1) END AS score,
    CASE WHEN role = 5 THEN 10 ELSE 100 END AS max_score,
    'supplier portal' AS source
FROM given
ORDER BY account_id, month, dimension
