-- Opens episodes. Grain: one row per cell and step that is alarmed anew.
INSERT INTO serving.disruption (
    cell,
    country,
    region,
    origin_country,
    destination_country,
    step,
    started_on,
    alarmed_at,
    observed,
    expected,
    probability,
    refreshed_at
)
SELECT
    told.cell,
    told.country,
    told.region,
    told.origin_country,
    told.destination_country,
    told.step,
    told.started_on,
    %(as_of)s,
    told.observed,
    told.expected,
    told.probability,
    %(as_of)s
FROM jsonb_to_recordset(%(episodes)s) AS told (
    cell text,
    country text,
    region text,
    origin_country text,
    destination_country text,
    step text,
    started_on date,
    observed bigint,
    expected double precision,
    probability double precision
)
ON CONFLICT DO NOTHING
