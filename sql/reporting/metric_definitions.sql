-- fmt: off
-- grain: table_name, column_name
-- why: the meaning of every published column, where the figures are
-- columns:
--   table_name   VARCHAR  The reporting view
--   column_name  VARCHAR  Its column
--   data_type    VARCHAR  Type of the column
--   grain        VARCHAR  What one row of the view is
--   meaning      VARCHAR  What the column says
--   unit         VARCHAR  Unit of the figure
--   formula      VARCHAR  How it is computed, where that needs saying
--   method       VARCHAR  The definition used, with its version
-- fmt: on
select *
from ops.metric_definitions
