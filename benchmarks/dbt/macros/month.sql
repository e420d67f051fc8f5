{% macro month() %}date '{{ var("month") }}'{% endmacro %}

{% macro month_end() %}last_day(date '{{ var("month") }}'){% endmacro %}
