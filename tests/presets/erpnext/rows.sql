-- Two customers of a company that keeps its books in EUR, from January to March 2026.
INSERT INTO `tabCompany` VALUES ('Ours', '2020-01-01', 'EUR'), ('Sister', '2021-01-01', 'USD');
INSERT INTO `tabUser` VALUES ('ada@example.com', 'Ada Manager');
INSERT INTO `tabCustomer` VALUES ('Nordrad AG', 'Nordrad Aktiengesellschaft', 'ada@example.com', 'Dealer', 'Automotive', 'Germany', 'Company', 'Net 30', '2026-01-01'), ('Tyre Corp', 'Tyre Corp', NULL, 'Fleet', NULL, 'Rest Of The World', 'Company', NULL, '2026-01-01');
INSERT INTO `tabCustomer Credit Limit` VALUES ('c1', 'Nordrad AG', 'Ours', 5000), ('c2', 'Nordrad AG', 'Sister', 9);
INSERT INTO `tabPayment Terms Template Detail` VALUES ('t1', 'Net 30', 30);
INSERT INTO `tabItem` VALUES ('SEAL-1', 'Seal', 'Rubber', 'Nos', 4.5, 12, 1), ('FITTING', 'Fitting', 'Services', 'Nos', 0, 50, 0);
INSERT INTO `tabCurrency Exchange` VALUES ('x1', '2026-01-01', 'USD', 'EUR', 0.8, 1, 1, '2026-01-01'), ('x2', '2026-02-28', 'USD', 'EUR', 0.625, 0, 1, '2026-02-28'), ('x3', '2026-02-28', 'USD', 'EUR', 0.9, 1, 0, '2026-02-28');
-- Two dozen seals at 10 and a fitting, promised for 20 January: 14 on 19 January, 10 on 2 February, of which 2 came back. A draft, and an order of another company.
INSERT INTO `tabSales Order` VALUES ('SO-1', 1, 'To Deliver and Bill', 'Ours', 'Nordrad AG', '2026-01-05', 'EUR', '2026-01-05'), ('SO-2', 0, 'Draft', 'Ours', 'Nordrad AG', '2026-01-06', 'EUR', '2026-01-06'), ('SO-3', 1, 'To Deliver and Bill', 'Ours', 'Tyre Corp', '2026-02-10', 'USD', '2026-02-10'), ('SO-4', 1, 'To Bill', 'Sister', 'Tyre Corp', '2026-02-10', 'USD', '2026-02-10');
INSERT INTO `tabSales Order Item` VALUES ('soi1', 'SO-1', 'Sales Order', 1, 'SEAL-1', 2, 24, 240, '2026-01-20'), ('soi2', 'SO-1', 'Sales Order', 2, 'FITTING', 1, 1, 60, '2026-01-20'), ('soi3', 'SO-2', 'Sales Order', 1, 'SEAL-1', 9, 9, 90, '2026-01-20'), ('soi4', 'SO-3', 'Sales Order', 1, 'SEAL-1', 5, 5, 100, '2026-02-17'), ('soi5', 'SO-4', 'Sales Order', 1, 'SEAL-1', 5, 5, 100, '2026-02-17');
INSERT INTO `tabDelivery Note` VALUES ('DN-1', 1, 'Ours', '2026-01-19', 0, '2026-01-19'), ('DN-2', 1, 'Ours', '2026-02-02', 0, '2026-02-02'), ('DN-3', 1, 'Ours', '2026-02-09', 1, '2026-02-09'), ('DN-4', 0, 'Ours', '2026-02-10', 0, '2026-02-10');
INSERT INTO `tabDelivery Note Item` VALUES ('dni1', 'DN-1', 1, 'SO-1', 'soi1', NULL, 14), ('dni2', 'DN-2', 1, 'SO-1', 'soi1', NULL, 10), ('dni3', 'DN-3', 1, 'SO-1', 'soi1', 'dni2', -2), ('dni4', 'DN-4', 1, 'SO-3', 'soi4', NULL, 5);
-- SINV-1: 300 net, 57 tax, due half on 20 February and half on 20 March. SINV-2: USD 200.01 rounded to 200, in an account of USD. SINV-3 was cancelled. SINV-4 is a draft.
-- SINV-5: USD 50 in an account of EUR, 40. SINV-6: 119 paid at once (point of sale). SRET-1 takes 24 net and 4.56 tax off SINV-1.
INSERT INTO `tabSales Invoice` VALUES
    ('SINV-1', 1, 'Ours', 'Nordrad AG', '2026-01-21', '2026-03-20', 'EUR', 'EUR', 0, NULL, 357, 357, 0, 0, '2026-01-21'),
    ('SINV-2', 1, 'Ours', 'Tyre Corp', '2026-02-15', '2026-03-17', 'USD', 'USD', 0, NULL, 200.01, 160.01, 200, 160, '2026-02-15'),
    ('SINV-3', 2, 'Ours', 'Tyre Corp', '2026-02-02', '2026-03-02', 'EUR', 'EUR', 0, NULL, 70, 70, 70, 70, '2026-02-03'),
    ('SINV-4', 0, 'Ours', 'Tyre Corp', '2026-02-28', '2026-03-28', 'EUR', 'EUR', 0, NULL, 900, 900, 900, 900, '2026-02-28'),
    ('SINV-5', 1, 'Ours', 'Nordrad AG', '2026-02-15', '2026-03-17', 'USD', 'EUR', 0, NULL, 50, 40, 0, 0, '2026-02-15'),
    ('SINV-6', 1, 'Ours', 'Nordrad AG', '2026-02-16', '2026-02-16', 'EUR', 'EUR', 0, NULL, 119, 119, 119, 119, '2026-02-16'),
    ('SRET-1', 1, 'Ours', 'Nordrad AG', '2026-02-25', '2026-02-25', 'EUR', 'EUR', 1, 'SINV-1', -28.56, -28.56, 0, 0, '2026-02-25');
INSERT INTO `tabSales Invoice Item` VALUES
    ('sii1', 'SINV-1', 1, 'SEAL-1', 24, 240, 240, 'SO-1', 'soi1'), ('sii2', 'SINV-1', 2, 'FITTING', 1, 60, 60, 'SO-1', 'soi2'), ('sii3', 'SINV-2', 1, 'SEAL-1', 10, 200.01, 160.01, NULL, NULL),
    ('sii4', 'SINV-3', 1, 'SEAL-1', 7, 70, 70, NULL, NULL), ('sii5', 'SINV-5', 1, 'SEAL-1', 5, 50, 40, NULL, NULL), ('sii6', 'SINV-6', 1, 'SEAL-1', 10, 100, 100, NULL, NULL), ('sii7', 'SRET-1', 1, 'SEAL-1', -2, -24, -24, NULL, NULL);
INSERT INTO `tabPayment Schedule` VALUES
    ('p1', 'SINV-1', 'Sales Invoice', 1, '2026-02-20', 178.5, 178.5), ('p2', 'SINV-1', 'Sales Invoice', 2, '2026-03-20', 178.5, 178.5), ('p3', 'SINV-2', 'Sales Invoice', 1, '2026-03-17', 200, 160),
    ('p4', 'SINV-3', 'Sales Invoice', 1, '2026-03-02', 70, 70), ('p5', 'SINV-5', 'Sales Invoice', 1, '2026-03-17', 50, 40), ('p6', 'SINV-6', 'Sales Invoice', 1, '2026-02-16', 119, 119);
INSERT INTO `tabPayment Ledger Entry` VALUES
    ('l1', 'Ours', 'Receivable', 'Customer', 'Nordrad AG', '2026-01-21', 'Sales Invoice', 'SINV-1', 'Sales Invoice', 'SINV-1', 357, 'EUR', 0, '2026-01-21'),
    ('l2', 'Ours', 'Receivable', 'Customer', 'Nordrad AG', '2026-02-10', 'Payment Entry', 'PE-1', 'Sales Invoice', 'SINV-1', -100, 'EUR', 0, '2026-02-10'),
    ('l3', 'Ours', 'Receivable', 'Customer', 'Tyre Corp', '2026-02-28', 'Payment Entry', 'PE-2', 'Sales Invoice', 'SINV-2', -80, 'USD', 0, '2026-02-28'),
    ('l4', 'Ours', 'Receivable', 'Customer', 'Tyre Corp', '2026-02-28', 'Payment Entry', 'PE-2', 'Payment Entry', 'PE-2', -50, 'USD', 0, '2026-02-28'),
    ('l5', 'Ours', 'Receivable', 'Customer', 'Nordrad AG', '2026-02-16', 'Sales Invoice', 'SINV-6', 'Sales Invoice', 'SINV-6', 119, 'EUR', 0, '2026-02-16'),
    ('l6', 'Ours', 'Receivable', 'Customer', 'Nordrad AG', '2026-02-16', 'Sales Invoice', 'SINV-6', 'Sales Invoice', 'SINV-6', -119, 'EUR', 0, '2026-02-16'),
    ('l7', 'Ours', 'Receivable', 'Customer', 'Nordrad AG', '2026-02-25', 'Sales Invoice', 'SRET-1', 'Sales Invoice', 'SINV-1', -28.56, 'EUR', 0, '2026-02-25'),
    ('l8', 'Ours', 'Receivable', 'Customer', 'Nordrad AG', '2026-02-27', 'Journal Entry', 'JV-1', 'Sales Invoice', 'SINV-5', -1.50, 'EUR', 0, '2026-02-27'),
    ('l9', 'Ours', 'Payable', 'Supplier', 'A supplier', '2026-02-27', 'Payment Entry', 'PE-3', 'Purchase Invoice', 'PINV-1', -70, 'EUR', 0, '2026-02-27');
INSERT INTO `tabMaintenance Visit` VALUES ('MV-1', 1, 'Ours', 'Nordrad AG', '2026-02-11', '2026-02-11'), ('MV-2', 0, 'Ours', 'Nordrad AG', '2026-02-12', '2026-02-12');
INSERT INTO `tabOpportunity` VALUES
    ('OPP-1', 'Ours', 'Customer', 'Nordrad AG', 'Open', 'Proposal', 4000, 'EUR', 40, '2026-04-30', 'ada@example.com', '2026-02-01 10:00'),
    ('OPP-2', 'Ours', 'Customer', 'Tyre Corp', 'Lost', 'Proposal', 900, 'USD', 0, NULL, NULL, '2026-02-10 10:00'),
    ('OPP-3', 'Ours', 'Lead', 'LEAD-1', 'Open', 'Proposal', 900, 'USD', 0, NULL, NULL, '2026-02-10 10:00');
