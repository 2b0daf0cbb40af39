DROP TABLE ops.carrier_budget;
DROP TABLE ops.carrier_account;
