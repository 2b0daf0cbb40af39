ANALYZE interaction_rehash;

-- Grain: one row per interaction of a customer.
UPDATE core.interaction AS known SET interaction_hash = rehash.new_hash
FROM interaction_rehash AS rehash
WHERE known.occurred_at = rehash.occurred_at AND known.interaction_hash = rehash.old_hash;
