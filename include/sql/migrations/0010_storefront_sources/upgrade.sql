-- What pulling from storefronts takes: how far each was read, in which pages, and whether all came that it holds.

-- Grain: one row per source and stream (orders, products, ...) that was ever read to its end. `watermark` is the time, by the
-- shop's clock, of the latest change that was loaded; it moves in the transaction of that load. `listed_at` is when the ids of
-- all that the shop has were last compared.
CREATE TABLE ops.storefront_watermark (
    source text NOT NULL,
    stream text NOT NULL,
    watermark timestamptz,
    listed_at timestamptz,
    run_id text NOT NULL,
    moved_at timestamptz NOT NULL,
    PRIMARY KEY (source, stream)
);

-- Grain: one row per run, source and stream that was read: from where, what the source said that it holds, and what came.
-- `told` is what the source counted before it was read (empty where it can't), `held` what it counted afterwards of the same
-- time up to `read_to`, `fetched` how many different records came. complete_at is empty where the read broke off or fell short.
CREATE TABLE ops.storefront_read (
    run_id text NOT NULL,
    source text NOT NULL,
    stream text NOT NULL,
    since timestamptz,
    is_full boolean NOT NULL,
    read_to timestamptz,
    told bigint,
    held bigint,
    fetched bigint NOT NULL DEFAULT 0,
    pages bigint NOT NULL DEFAULT 0,
    listed boolean NOT NULL DEFAULT false,
    versions jsonb NOT NULL DEFAULT '{}',
    began_at timestamptz NOT NULL,
    complete_at timestamptz,
    problem text,
    PRIMARY KEY (run_id, source, stream)
);
CREATE INDEX ON ops.storefront_read (source, stream, began_at);

-- Grain: one row per page of a storefront in the raw store, in the order in which they came (`place`). `part` tells pages of
-- records from the rest of one record (its further lines, its refunds) and from lists of ids; `resume` is how the read goes on
-- after this page and what belongs to it.
CREATE TABLE ops.storefront_page (
    run_id text NOT NULL,
    source text NOT NULL,
    stream text NOT NULL,
    place bigint NOT NULL,
    part text NOT NULL CHECK (part IN ('records', 'rest', 'ids')),
    file text NOT NULL,
    byte_offset bigint NOT NULL CHECK (byte_offset >= 0),
    byte_length bigint NOT NULL CHECK (byte_length >= 0),
    sha256 bytea NOT NULL,
    answered_at timestamptz NOT NULL,
    resume jsonb,
    PRIMARY KEY (run_id, source, stream, place)
);
CREATE INDEX ON ops.storefront_page (file);

-- Grain: one row per source and product that it has told of: whether it still has it. Several shops may sell one product.
CREATE TABLE ops.storefront_product (
    source text NOT NULL,
    product_id text NOT NULL,
    gone_at timestamptz,
    run_id text NOT NULL,
    PRIMARY KEY (source, product_id)
);
CREATE INDEX ON ops.storefront_product (product_id);

-- Grain: one row per source, stream and file that was loaded: the version (size and time, or tag) of it.
CREATE TABLE ops.storefront_file (
    source text NOT NULL,
    stream text NOT NULL,
    path text NOT NULL,
    version text NOT NULL,
    run_id text NOT NULL,
    loaded_at timestamptz NOT NULL,
    PRIMARY KEY (source, stream, path)
);
