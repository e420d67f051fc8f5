-- Two customers of a company that keeps its books in EUR, from January to March 2026.
INSERT INTO llx_const (name, value) VALUES ('MAIN_MONNAIE', 'EUR');
INSERT INTO llx_c_country VALUES (1, 'FR');
INSERT INTO llx_c_departements VALUES (1, 'Rhône');
INSERT INTO llx_c_payment_term VALUES (2, 30);
INSERT INTO llx_user VALUES (1, 'Ada', 'Manager');
INSERT INTO llx_societe VALUES (10, 'Nordrad SA', 1, NULL, 1, 1, 1, 5000, 2), (20, 'Tyre Corp', 1, 10, 3, NULL, 0, 0, NULL), (30, 'A supplier', 1, NULL, 0, 1, 0, NULL, NULL);
INSERT INTO llx_product VALUES (1, 'SEAL-1', 1, 'Joint', NULL, 4.5, 12, 0), (2, 'FITTING', 1, 'Pose', 20, 0, 50, 1);
INSERT INTO llx_multicurrency VALUES (1, 'EUR', 1), (2, 'USD', 1);
INSERT INTO llx_multicurrency_rate VALUES (1, '2026-01-01 08:00', 1, 1, 1), (2, '2026-01-01 08:00', 1.25, 2, 1), (3, '2026-02-28 08:00', 9, 2, 1), (4, '2026-02-28 09:00', 1.6, 2, 1);
-- 24 seals at 10 and a fitting, planned for 20 January: 14 on 19 January, 10 on 2 February. A draft, and an order in USD with a title.
INSERT INTO llx_commande VALUES (1, 'CO2601-0001', 1, 10, '2026-01-05', '2026-01-20 00:00', 2, 'EUR', '2026-01-05'), (2, '(PROV2)', 1, 10, '2026-01-06', NULL, 0, NULL, '2026-01-06'), (3, 'CO2602-0001', 1, 20, '2026-02-10', '2026-02-17 00:00', 1, 'USD', '2026-02-10');
INSERT INTO llx_commandedet VALUES (1, 1, 1, 0, 0, 24, 240, 240), (2, 1, 2, 1, 0, 1, 60, 60), (3, 2, 1, 0, 0, 9, 90, 90), (4, 3, 1, 0, 0, 5, 80, 100), (5, 3, NULL, 9, 104777, 50, 0, 0);
INSERT INTO llx_expedition VALUES (1, 'SH2601-0001', 1, 10, '2026-01-19 09:00', '2026-01-20', '2026-01-19 10:00', 2, '2026-01-19'), (2, 'SH2602-0001', 1, 10, '2026-02-02 09:00', '2026-01-20', '2026-02-02 10:00', 1, '2026-02-02'), (3, '(PROV3)', 1, 20, NULL, NULL, NULL, 0, '2026-02-10');
INSERT INTO llx_expeditiondet VALUES (1, 1, 1, 'commande', 14), (2, 2, 1, 'commande', 10), (3, 3, 4, 'commande', 5);
-- FA2601-0001: 300 net, 60 tax, due on 20 February, 100 paid; AV2602-0001 takes 24 net and 4.80 tax off. FA2602-0001: USD 200, 80 paid. FA2602-0002: 120, of which 100 were paid and the
-- rest was given up. FA2602-0003 was replaced. FA2602-0004: 50 with a revenue stamp of 1. A draft.
INSERT INTO llx_facture VALUES
    (1, 'FA2601-0001', 1, 0, 10, '2026-01-21', '2026-02-20', NULL, 1, 0, NULL, 360, 360, 'EUR', NULL, '2026-01-21'),
    (2, 'FA2602-0001', 1, 0, 20, '2026-02-15', '2026-03-17', NULL, 1, 0, NULL, 160, 200, 'USD', NULL, '2026-02-15'),
    (3, 'FA2602-0002', 1, 0, 10, '2026-02-16', '2026-03-17', '2026-02-27 10:00', 2, 1, 'badcustomer', 120, 0, NULL, NULL, '2026-02-27'),
    (4, 'FA2602-0003', 1, 0, 20, '2026-02-17', '2026-03-17', '2026-02-18 10:00', 3, 0, 'replaced', 70, 0, NULL, NULL, '2026-02-18'),
    (5, 'FA2602-0004', 1, 1, 20, '2026-02-18', '2026-03-17', NULL, 1, 0, NULL, 51, 0, NULL, NULL, '2026-02-18'),
    (6, '(PROV6)', 1, 0, 20, '2026-02-28', NULL, NULL, 0, 0, NULL, 900, 0, NULL, NULL, '2026-02-28'),
    (7, 'AV2602-0001', 1, 2, 10, '2026-02-25', '2026-02-25', NULL, 2, 1, NULL, -28.8, -28.8, 'EUR', 1, '2026-02-25');
INSERT INTO llx_facturedet VALUES (1, 1, 1, 0, 24, 240, 288, 240, 288), (2, 1, 2, 1, 1, 60, 72, 60, 72), (3, 2, 1, 0, 10, 160, 160, 200, 200), (4, 3, 1, 0, 10, 100, 120, 0, 0), (5, 4, 1, 0, 7, 70, 70, 0, 0), (6, 5, 1, 0, 5, 50, 50, 0, 0), (7, 7, 1, 0, -2, -24, -28.8, -24, -28.8);
INSERT INTO llx_paiement VALUES (1, 'PAY2602-0001', 1, '2026-02-10 12:00', 200), (2, 'PAY2602-0002', 1, '2026-02-28 12:00', 64);
INSERT INTO llx_paiement_facture VALUES (1, 1, 1, 100, 100), (2, 1, 3, 100, 0), (3, 2, 2, 64, 80);
INSERT INTO llx_societe_remise_except VALUES (1, 10, 28.8, 28.8, 1, 7);
INSERT INTO llx_c_lead_status VALUES (3, 'PROPO', 'Proposal'), (6, 'WON', 'Won');
INSERT INTO llx_projet VALUES (1, 'PJ2602-0001', 1, 10, 3, 4000, 40, '2026-04-30', NULL, '2026-02-01'), (2, 'PJ2602-0002', 1, 20, 6, 900, 100, NULL, '2026-02-10 10:00', '2026-02-10'), (3, 'PJ2602-0003', 1, NULL, NULL, NULL, NULL, NULL, NULL, '2026-02-10');
INSERT INTO llx_actioncomm VALUES (1, 1, 'AC_RDV', 10, '2026-02-11 10:00', '2026-02-11 11:30', 100, 1, '2026-02-11'), (2, 1, 'AC_RDV', 10, '2026-02-20 10:00', NULL, 0, 1, '2026-02-11'), (3, 1, 'AC_TEL', 10, '2026-02-20 10:00', NULL, 100, 1, '2026-02-11');
