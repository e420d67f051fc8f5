SELECT
    order_id AS "Auftrag", line_no AS "Position", account_id AS "Kunde", product_id AS "Material",
    strftime(order_date, '%d.%m.%Y') AS "Auftragsdatum",
    strftime(requested_date, '%d.%m.%Y') AS "Wunschtermin",
    strftime(promised_date, '%d.%m.%Y') AS "Zusagetermin",
    strftime(last_promised_date, '%d.%m.%Y') AS "Neuer Termin",
    replace(quantity::DECIMAL(18, 3)::VARCHAR, '.', ',') AS "Menge",
    replace(unit_price::VARCHAR, '.', ',') AS "Nettopreis",
    currency AS "Währung",
    account_manager AS "Verkäufer",
    CASE WHEN outcome = 'cancelled' THEN 'storniert'
        WHEN outcome = 'forgotten' OR shipped_date > getvariable('cutoff') THEN 'offen'
        ELSE 'erledigt' END AS "Status",
    strftime(cancelled_date, '%d.%m.%Y') AS "Storniert am"
FROM month_lines
ORDER BY order_id, line_no
