SELECT
    visit_id AS "Visit No", account_id AS "Account", visit_type AS "Type",
    strftime(planned_date, '%m/%d/%Y') AS "Planned", strftime(visit_date, '%m/%d/%Y') AS "Held",
    account_manager AS "Owner", duration_hours AS "Hours", cost AS "Cost EUR",
    opportunity_id AS "Opportunity", opportunity_value AS "Opportunity EUR",
    success_probability AS "Probability", promised_payment_amount AS "Promised EUR",
    strftime(promised_payment_date, '%m/%d/%Y') AS "Promised By",
    rating_quality AS "Quality", rating_cost AS "Cost", rating_delivery AS "Delivery",
    rating_development AS "Development", rating_management AS "Management", notes AS "Notes"
FROM month_visits
ORDER BY visit_id
