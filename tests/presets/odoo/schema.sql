-- The tables of Odoo 18.0 as its ORM makes them from the field definitions in odoo/odoo, cut down to the columns that the preset reads and what they need.
CREATE TABLE res_currency (id serial PRIMARY KEY, name varchar NOT NULL);
CREATE TABLE res_company (id serial PRIMARY KEY, name varchar NOT NULL, currency_id integer NOT NULL REFERENCES res_currency);
CREATE TABLE res_currency_rate (id serial PRIMARY KEY, name date NOT NULL, rate numeric, currency_id integer NOT NULL, company_id integer, write_date timestamp);
CREATE TABLE res_country (id serial PRIMARY KEY, code varchar(2), name jsonb);
CREATE TABLE res_country_state (id serial PRIMARY KEY, name varchar NOT NULL, country_id integer);
CREATE TABLE res_partner_industry (id serial PRIMARY KEY, name jsonb);
CREATE TABLE res_partner (
    id serial PRIMARY KEY, name varchar, commercial_partner_id integer, parent_id integer, user_id integer, industry_id integer,
    country_id integer, state_id integer, is_company boolean, customer_rank integer DEFAULT 0, credit_limit jsonb,
    property_payment_term_id jsonb, write_date timestamp
);
CREATE TABLE res_users (id serial PRIMARY KEY, partner_id integer NOT NULL);
CREATE TABLE account_payment_term_line (id serial PRIMARY KEY, payment_id integer NOT NULL, value varchar, nb_days integer, delay_type varchar);
CREATE TABLE uom_uom (id serial PRIMARY KEY, name jsonb NOT NULL, category_id integer, factor numeric NOT NULL);
CREATE TABLE product_category (id serial PRIMARY KEY, name varchar, complete_name varchar);
CREATE TABLE product_template (id serial PRIMARY KEY, name jsonb NOT NULL, categ_id integer, uom_id integer NOT NULL, type varchar NOT NULL, list_price numeric);
CREATE TABLE product_product (id serial PRIMARY KEY, product_tmpl_id integer NOT NULL, default_code varchar, active boolean DEFAULT true, standard_price jsonb);
CREATE TABLE sale_order (
    id serial PRIMARY KEY, name varchar NOT NULL, state varchar, company_id integer NOT NULL, partner_id integer NOT NULL, user_id integer,
    currency_id integer, date_order timestamp NOT NULL, commitment_date timestamp, locked boolean, write_date timestamp
);
CREATE TABLE sale_order_line (
    id serial PRIMARY KEY, order_id integer NOT NULL REFERENCES sale_order ON DELETE CASCADE, display_type varchar, is_downpayment boolean, product_id integer,
    product_uom integer, product_uom_qty numeric NOT NULL, price_subtotal numeric, customer_lead double precision NOT NULL DEFAULT 0, write_date timestamp
);
CREATE TABLE stock_location (id serial PRIMARY KEY, usage varchar NOT NULL);
CREATE TABLE stock_picking (id serial PRIMARY KEY, name varchar, company_id integer, state varchar, date_done timestamp, write_date timestamp);
CREATE TABLE stock_move (
    id serial PRIMARY KEY, picking_id integer, state varchar, date timestamp NOT NULL, product_id integer NOT NULL, product_uom integer NOT NULL, quantity numeric,
    sale_line_id integer, location_dest_id integer NOT NULL, origin_returned_move_id integer, write_date timestamp
);
CREATE TABLE account_journal (id serial PRIMARY KEY, type varchar NOT NULL);
CREATE TABLE account_account (id serial PRIMARY KEY, account_type varchar NOT NULL);
CREATE TABLE account_move (
    id serial PRIMARY KEY, name varchar, state varchar NOT NULL, move_type varchar NOT NULL, company_id integer, journal_id integer NOT NULL, partner_id integer,
    commercial_partner_id integer, date date NOT NULL, invoice_date date, invoice_date_due date, currency_id integer NOT NULL, amount_total numeric,
    reversed_entry_id integer, payment_state varchar, invoice_user_id integer, posted_before boolean, write_date timestamp
);
CREATE TABLE account_move_line (
    id serial PRIMARY KEY, move_id integer NOT NULL REFERENCES account_move ON DELETE CASCADE, account_id integer, partner_id integer, display_type varchar NOT NULL,
    currency_id integer NOT NULL, amount_currency numeric, amount_residual_currency numeric, date_maturity date, product_id integer, product_uom_id integer, quantity numeric,
    price_subtotal numeric, price_total numeric, write_date timestamp
);
CREATE TABLE account_partial_reconcile (
    id serial PRIMARY KEY, debit_move_id integer NOT NULL, credit_move_id integer NOT NULL, amount numeric, debit_amount_currency numeric, credit_amount_currency numeric,
    max_date date, write_date timestamp
);
CREATE TABLE sale_order_line_invoice_rel (invoice_line_id integer NOT NULL, order_line_id integer NOT NULL);
CREATE TABLE crm_stage (id serial PRIMARY KEY, name jsonb NOT NULL, is_won boolean);
CREATE TABLE crm_lead (
    id serial PRIMARY KEY, type varchar NOT NULL, active boolean, company_id integer, partner_id integer, user_id integer, stage_id integer, expected_revenue numeric,
    probability double precision, date_deadline date, date_closed timestamp, write_date timestamp
);
-- Odoo 17 only.
CREATE TABLE ir_property (id serial PRIMARY KEY, name varchar, company_id integer, res_id varchar, value_float double precision, value_reference varchar);
