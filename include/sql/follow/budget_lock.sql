-- The row of one account: workers that take or give back its calls do so one after the other.
SELECT account FROM ops.carrier_account WHERE account = %(account)s FOR UPDATE;
