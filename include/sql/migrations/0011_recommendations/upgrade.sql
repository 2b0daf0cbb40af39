-- Recommendations: the runs that made them, how each model did, and the lists that each run made. Lists are arrays, best first, of
-- which the views of `mart` make rows; those of the run in use and of the one before are kept. Products in them are numbers of
-- serving.recommended_product. Of these tables customer_list alone holds ids of customers.

-- Grain: one row per run. `trained_at` is the moment up to which it knew what happened (ops.as_of()), `recorded_at` the wall clock.
-- Status: trained (lists are there, not in use yet), serving, previous (in use before, kept whole), replaced (its lists are gone).
-- `reason` says what serves, in words; `models` what makes the lists of each slot, `chosen` with which settings; `reasons` are the
-- templates that its lists' reason numbers (from 0) point to. `lost` are the slots that popularity serves and a model served
-- before. `loads` and `erasures` are how many there had been when it read: more of them are news.
CREATE TABLE serving.recommendation_run (
    run_number integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    version text NOT NULL UNIQUE,
    run_id text UNIQUE,
    trained_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    status text NOT NULL CHECK (status IN ('trained', 'serving', 'previous', 'replaced')),
    reason text NOT NULL,
    models jsonb NOT NULL,
    chosen jsonb NOT NULL,
    reasons text [] NOT NULL,
    lost text [] NOT NULL,
    deeds bigint NOT NULL,
    customers bigint NOT NULL,
    products bigint NOT NULL,
    loads bigint NOT NULL,
    erasures bigint NOT NULL,
    seconds double precision NOT NULL,
    published_at timestamptz
);
CREATE UNIQUE INDEX recommendation_run_serving ON serving.recommendation_run (status) WHERE status = 'serving';
CREATE UNIQUE INDEX recommendation_run_previous ON serving.recommendation_run (status) WHERE status = 'previous';

-- Grain: one row per run, model, slot and window (validation: chosen by; report: later, and told). Recall and NDCG are those of the
-- first 20, means over `customers`; `difference` is the recall (in slot buy_again the NDCG) beyond popularity's, `low` to `high` its
-- 95 % interval by a paired bootstrap of customers. All of these are NULL where nobody could be asked.
CREATE TABLE serving.recommendation_score (
    run_number integer NOT NULL REFERENCES serving.recommendation_run (run_number) ON DELETE CASCADE,
    model text NOT NULL,
    slot text NOT NULL,
    evaluation_window text NOT NULL CHECK (evaluation_window IN ('validation', 'report')),
    window_start timestamptz NOT NULL,
    window_end timestamptz NOT NULL,
    customers bigint NOT NULL,
    recall double precision,
    ndcg double precision,
    coverage double precision,
    difference double precision,
    low double precision,
    high double precision,
    serves boolean NOT NULL,
    why text NOT NULL,
    PRIMARY KEY (run_number, slot, model, evaluation_window)
);

-- Grain: one row per run and product that its lists may name. The title is that of the day of the run.
CREATE TABLE serving.recommended_product (
    run_number integer NOT NULL,
    product_number integer NOT NULL,
    product_id text NOT NULL,
    title text,
    PRIMARY KEY (run_number, product_number)
);

-- Grain: one row per run, customer and slot. `because` is the product that is the reason (-1 where none is), `support` how many
-- customers or times it rests on, `country` what popularity was asked for.
CREATE TABLE serving.customer_list (
    run_number integer NOT NULL,
    customer_id text NOT NULL,
    slot text NOT NULL,
    country text,
    products integer [] NOT NULL,
    scores real [] NOT NULL,
    reasons smallint [] NOT NULL,
    because integer [] NOT NULL,
    support integer [] NOT NULL,
    PRIMARY KEY (customer_id, slot, run_number)
);

-- Grain: one row per run and product with others that were bought together with it.
CREATE TABLE serving.product_list (
    run_number integer NOT NULL,
    product_id text NOT NULL,
    products integer [] NOT NULL,
    support integer [] NOT NULL,
    lift real [] NOT NULL,
    scores real [] NOT NULL,
    PRIMARY KEY (product_id, run_number)
);

-- Grain: one row per run and country; one without country for all together.
CREATE TABLE serving.popular_list (
    run_number integer NOT NULL,
    country text,
    products integer [] NOT NULL,
    scores real [] NOT NULL,
    UNIQUE NULLS NOT DISTINCT (run_number, country)
);

-- What a customer has bought since a run is left out of the lists as they are read: found without looking at all that was bought
-- before.
CREATE INDEX customer_order_customer_news ON core.customer_order (customer_id, greatest(ordered_at, ingested_at));
DROP INDEX core.customer_order_customer_id_idx;
CREATE INDEX interaction_purchase_news ON core.interaction (customer_id, greatest(occurred_at, ingested_at))
WHERE kind = 'purchase';
