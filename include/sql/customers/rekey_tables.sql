-- Grain of the temporary table `customer_rekey`: one row per customer who is known under the shop's own id.
CREATE TEMPORARY TABLE customer_rekey (old_id text PRIMARY KEY, new_id text NOT NULL) ON COMMIT DROP;

-- Grain of the temporary table `interaction_rehash`: one row per interaction of a customer, whose hash covers the key.
CREATE TEMPORARY TABLE interaction_rehash (
    occurred_at timestamptz NOT NULL,
    old_hash bigint NOT NULL,
    new_hash bigint NOT NULL
) ON COMMIT DROP;

-- Grain of the temporary table `quarantine_rekey`: one row per quarantined row that names a customer; its new hash as an
-- interaction, where it had one.
CREATE TEMPORARY TABLE quarantine_rekey (
    quarantined_row_id bigint PRIMARY KEY,
    interaction_hash bigint
) ON COMMIT DROP;
