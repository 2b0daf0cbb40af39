-- Grain: one row per carrier or aggregator that is asked: those that are down first, then those with most to ask.
SELECT polling.* -- noqa: AM04
FROM mart.carrier_polling AS polling
ORDER BY polling.down_since IS NULL, polling.followed DESC, polling.source
LIMIT %(most)s;
