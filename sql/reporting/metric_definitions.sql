-- fmt: off
-- grain: table_name, column_name
-- why: the meaning of every published column, where the figures are
-- columns:
--   table_name   VARCHAR  The table in the schema reporting
--   column_name  VARCHAR  Its column
--   data_type    VARCHAR  Type of the column
--   grain        VARCHAR  What one row of the table is
--   meaning      VARCHAR  What the column says
--   unit         VARCHAR  here: Unit of the figure; an empty text for what is not a number
--   aggregation  VARCHAR  How the figure adds up: sum, last in time, first in time, ratio or none; an empty text for what is not a number
--   numerator    VARCHAR  Of a ratio: the SQL expression to aggregate above the line; else an empty text
--   denominator  VARCHAR  Of a ratio: the SQL expression to aggregate below the line; else an empty text
--   formula      VARCHAR  How it is computed, where that needs saying
--   format       VARCHAR  How to show the figure, as a number format of spreadsheets; an empty text for what is not a number
--   direction    VARCHAR  Whether more or less of it is better, or neither; an empty text for what is not a number
--   source       VARCHAR  Who defined the formula; an empty text where it is our own
--   method       VARCHAR
-- fmt: on
select
    table_name,
    column_name,
    data_type,
    grain,
    meaning,
    unit,
    aggregation,
    numerator,
    denominator,
    formula,
    format,
    direction,
    source,
    method
from ops.metric_definitions
