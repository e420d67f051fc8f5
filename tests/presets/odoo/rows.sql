-- Two customers of a company in Berlin that keeps its books in EUR, from January to March 2026. Times are UTC, as Odoo has them.
INSERT INTO res_currency (id, name) VALUES (1, 'EUR'), (2, 'USD');
INSERT INTO res_company (id, name, currency_id) VALUES (1, 'Ours', 1), (2, 'Sister', 2);
-- 1 EUR = 1.25 USD at the end of January, 1.60 USD at the end of February.
INSERT INTO res_currency_rate (name, rate, currency_id, company_id, write_date) VALUES
    ('2026-01-01', 1.25, 2, 1, '2026-01-01 06:00'), ('2026-02-28', 1.60, 2, 1, '2026-02-28 06:00'), ('2026-02-28', 9, 2, NULL, '2026-02-28 06:00');
INSERT INTO res_country VALUES (1, 'DE', '{"en_US": "Germany"}');
INSERT INTO res_country_state VALUES (1, 'Bayern', 1);
INSERT INTO res_partner_industry VALUES (1, '{"en_US": "Automotive"}');
INSERT INTO res_partner (id, name, commercial_partner_id, parent_id, user_id, industry_id, country_id, state_id, is_company, customer_rank, credit_limit, property_payment_term_id) VALUES
    (1, 'Ours', 1, NULL, NULL, NULL, 1, NULL, true, 0, NULL, NULL),
    (2, 'Ada Manager', 2, NULL, NULL, NULL, NULL, NULL, false, 0, NULL, NULL),
    (10, 'Nordrad AG', 10, NULL, 1, 1, 1, 1, true, 3, '{"1": 5000, "2": 9}', '{"1": 1}'),
    (11, 'Nordrad AG, warehouse', 10, 10, NULL, NULL, 1, 1, false, 0, NULL, NULL),
    (20, 'Tyre Corp', 20, 10, 1, NULL, NULL, NULL, true, 1, NULL, NULL),
    (30, 'A supplier', 30, NULL, NULL, NULL, NULL, NULL, true, 0, NULL, NULL);
INSERT INTO res_users VALUES (1, 2);
INSERT INTO account_payment_term_line (payment_id, value, nb_days, delay_type) VALUES (1, 'percent', 30, 'days_after');
INSERT INTO uom_uom (id, name, category_id, factor) VALUES (1, '{"en_US": "Units"}', 1, 1), (2, '{"en_US": "Dozens"}', 1, 0.0833333333333333333);
INSERT INTO product_category VALUES (1, 'Rubber', 'All / Rubber');
INSERT INTO product_template VALUES (1, '{"en_US": "Seal", "de_DE": "Dichtung"}', 1, 1, 'consu', 12), (2, '{"en_US": "Fitting"}', 1, 1, 'service', 50);
INSERT INTO product_product (id, product_tmpl_id, default_code, standard_price) VALUES (1, 1, 'SEAL-1', '{"1": 4.5}'), (2, 2, NULL, NULL);
INSERT INTO stock_location VALUES (1, 'internal'), (2, 'customer');
INSERT INTO account_journal VALUES (1, 'sale'), (2, 'bank'), (3, 'general');
INSERT INTO account_account VALUES (1, 'asset_receivable'), (2, 'income'), (3, 'asset_cash');

-- S00001: two dozen seals at 10 a piece and one fitting, promised for 20 January: 14 shipped in time, 10 on 2 February, of which 2 came back.
-- Ordered on 4 January at 23:30 UTC, which is 5 January in Berlin.
INSERT INTO sale_order VALUES
    (1, 'S00001', 'sale', 1, 11, 1, 1, '2026-01-04 23:30', '2026-01-20 10:00', false, '2026-02-02 09:00'),
    (2, 'S00002', 'draft', 1, 10, 1, 1, '2026-01-06 09:00', NULL, false, '2026-01-06 09:00'),
    (3, 'S00003', 'sale', 1, 20, 1, 2, '2026-02-10 09:00', NULL, false, '2026-02-10 09:00'),
    (4, 'S00004', 'sale', 2, 20, 1, 2, '2026-02-10 09:00', NULL, false, '2026-02-10 09:00');
INSERT INTO sale_order_line (id, order_id, display_type, is_downpayment, product_id, product_uom, product_uom_qty, price_subtotal, customer_lead, write_date) VALUES
    (1, 1, NULL, false, 1, 2, 2, 240, 0, '2026-01-05 09:00'),
    (2, 1, NULL, false, 2, 1, 1, 60, 0, '2026-01-05 09:00'),
    (3, 1, 'line_note', false, NULL, NULL, 0, NULL, 0, '2026-01-05 09:00'),
    (4, 1, NULL, true, NULL, 1, 0, 0, 0, '2026-01-05 09:00'),
    (5, 2, NULL, false, 1, 1, 99, 990, 0, '2026-01-06 09:00'),
    (6, 3, NULL, false, 1, 1, 5, 100, 7, '2026-02-10 09:00'),
    (7, 4, NULL, false, 1, 1, 5, 100, 7, '2026-02-10 09:00');
INSERT INTO stock_picking VALUES
    (1, 'WH/OUT/00001', 1, 'done', '2026-01-19 14:00', '2026-01-19 14:00'),
    (2, 'WH/OUT/00002', 1, 'done', '2026-02-02 09:00', '2026-02-02 09:00'),
    (3, 'WH/IN/00001', 1, 'done', '2026-02-09 09:00', '2026-02-09 09:00'),
    (4, 'WH/OUT/00003', 1, 'assigned', NULL, '2026-02-10 09:00');
INSERT INTO stock_move (id, picking_id, state, date, product_id, product_uom, quantity, sale_line_id, location_dest_id, origin_returned_move_id, write_date) VALUES
    (1, 1, 'done', '2026-01-19 14:00', 1, 1, 14, 1, 2, NULL, '2026-01-19 14:00'),
    (2, 2, 'done', '2026-02-02 09:00', 1, 1, 10, 1, 2, NULL, '2026-02-02 09:00'),
    (3, 3, 'done', '2026-02-09 09:00', 1, 1, 2, 1, 1, 2, '2026-02-09 09:00'),
    (4, 4, 'assigned', '2026-02-17 09:00', 1, 1, 5, 6, 2, NULL, '2026-02-10 09:00');

-- INV/2026/00001 of 21 January: 300 net, 57 tax, due half on 20 February and half on 20 March. A payment of 100 on 10 February, matched with it.
-- INV/2026/00002 of 15 February: USD 200 net, no tax, due on 17 March; a payment of USD 80 on 28 February and USD 50 that wait.
-- RINV/2026/00001 of 25 February takes 24 net and 4.56 tax off the first. INV/2026/00003 of 2 February was posted and cancelled. Another one is a draft.
INSERT INTO account_move (id, name, state, move_type, company_id, journal_id, partner_id, commercial_partner_id, date, invoice_date, invoice_date_due, currency_id, amount_total, reversed_entry_id, payment_state, invoice_user_id, posted_before, write_date) VALUES
    (1, 'INV/2026/00001', 'posted', 'out_invoice', 1, 1, 11, 10, '2026-01-21', '2026-01-21', '2026-03-20', 1, 357, NULL, 'partial', 1, true, '2026-02-25 10:00'),
    (2, 'INV/2026/00002', 'posted', 'out_invoice', 1, 1, 20, 20, '2026-02-15', '2026-02-15', '2026-03-17', 2, 200.01, NULL, 'partial', 1, true, '2026-02-28 10:00'),
    (3, 'INV/2026/00003', 'cancel', 'out_invoice', 1, 1, 20, 20, '2026-02-02', '2026-02-02', '2026-03-02', 1, 70, NULL, 'not_paid', 1, true, '2026-02-03 10:00'),
    (4, '/', 'draft', 'out_invoice', 1, 1, 20, 20, '2026-02-28', NULL, NULL, 1, 900, NULL, 'not_paid', 1, false, '2026-02-28 10:00'),
    (5, 'RINV/2026/00001', 'posted', 'out_refund', 1, 1, 11, 10, '2026-02-25', '2026-02-25', '2026-02-25', 1, 28.56, NULL, 'paid', 1, true, '2026-02-25 10:00'),
    (6, 'BILL/2026/0001', 'posted', 'in_invoice', 1, 1, 30, 30, '2026-02-25', '2026-02-25', '2026-02-25', 1, 500, NULL, 'paid', 1, true, '2026-02-25 10:00'),
    (7, 'PBNK1/2026/00001', 'posted', 'entry', 1, 2, 10, 10, '2026-02-10', NULL, NULL, 1, 100, NULL, NULL, NULL, true, '2026-02-10 10:00'),
    (8, 'PBNK1/2026/00002', 'posted', 'entry', 1, 2, 20, 20, '2026-02-28', NULL, NULL, 2, 130, NULL, NULL, NULL, true, '2026-02-28 10:00');
INSERT INTO account_move_line (id, move_id, account_id, partner_id, display_type, currency_id, amount_currency, amount_residual_currency, date_maturity, product_id, product_uom_id, quantity, price_subtotal, price_total, write_date) VALUES
    (1, 1, 2, 10, 'product', 1, -240, 0, NULL, 1, 2, 2, 240, 285.60, '2026-01-21 10:00'),
    (2, 1, 2, 10, 'product', 1, -60, 0, NULL, 2, 1, 1, 60, 71.40, '2026-01-21 10:00'),
    (3, 1, 2, 10, 'tax', 1, -57, 0, NULL, NULL, NULL, 1, 0, 0, '2026-01-21 10:00'),
    (4, 1, 1, 10, 'payment_term', 1, 178.50, 49.94, '2026-02-20', NULL, NULL, 1, 0, 0, '2026-02-25 10:00'),
    (5, 1, 1, 10, 'payment_term', 1, 178.50, 178.50, '2026-03-20', NULL, NULL, 1, 0, 0, '2026-01-21 10:00'),
    (6, 2, 2, 20, 'product', 2, -200, 0, NULL, 1, 1, 10, 200, 200, '2026-02-15 10:00'),
    (7, 2, 1, 20, 'payment_term', 2, 200.01, 120.01, '2026-03-17', NULL, NULL, 1, 0, 0, '2026-02-28 10:00'),
    (8, 2, 2, 20, 'rounding', 2, -0.01, 0, NULL, NULL, NULL, 1, 0, 0, '2026-02-15 10:00'),
    (9, 3, 2, 20, 'product', 1, -70, 0, NULL, 1, 1, 7, 70, 70, '2026-02-03 10:00'),
    (10, 3, 1, 20, 'payment_term', 1, 70, 0, '2026-03-02', NULL, NULL, 1, 0, 0, '2026-02-03 10:00'),
    (11, 5, 2, 10, 'product', 1, 24, 0, NULL, 1, 1, 2, 24, 28.56, '2026-02-25 10:00'),
    (12, 5, 1, 10, 'payment_term', 1, -28.56, 0, '2026-02-25', NULL, NULL, 1, 0, 0, '2026-02-25 10:00'),
    (13, 7, 3, 10, 'product', 1, 100, 0, NULL, NULL, NULL, 1, 0, 0, '2026-02-10 10:00'),
    (14, 7, 1, 10, 'product', 1, -100, 0, NULL, NULL, NULL, 1, 0, 0, '2026-02-10 10:00'),
    (15, 8, 3, 20, 'product', 2, 130, 0, NULL, NULL, NULL, 1, 0, 0, '2026-02-28 10:00'),
    (16, 8, 1, 20, 'product', 2, -130, -50, NULL, NULL, NULL, 1, 0, 0, '2026-02-28 10:00');
INSERT INTO account_partial_reconcile (id, debit_move_id, credit_move_id, amount, debit_amount_currency, credit_amount_currency, write_date) VALUES
    (1, 4, 14, 100, 100, 100, '2026-02-10 10:00'), (2, 4, 12, 28.56, 28.56, 28.56, '2026-02-25 10:00'), (3, 7, 16, 50, 80, 80, '2026-02-28 10:00');
INSERT INTO sale_order_line_invoice_rel VALUES (1, 1), (2, 2), (11, 1);
INSERT INTO crm_stage VALUES (1, '{"en_US": "Proposition"}', false), (2, '{"en_US": "Won"}', true);
INSERT INTO crm_lead VALUES
    (1, 'opportunity', true, 1, 11, 1, 1, 4000, 40, '2026-04-30', NULL, '2026-02-01 23:30'),
    (2, 'opportunity', true, 1, 20, 1, 2, 900, 100, '2026-02-10', '2026-02-10 09:00', '2026-02-10 09:00'),
    (3, 'opportunity', false, NULL, 20, 1, 1, 300, 0, NULL, NULL, '2026-02-12 09:00'),
    (4, 'lead', true, 1, 20, 1, 1, 300, 10, NULL, NULL, '2026-02-12 09:00'),
    (5, 'opportunity', true, 1, NULL, 1, 1, 300, 10, NULL, NULL, '2026-02-12 09:00');
SELECT setval('account_move_id_seq', 100), setval('account_move_line_id_seq', 100), setval('account_partial_reconcile_id_seq', 100);
