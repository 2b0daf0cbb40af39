"""The learned hazard over the life table: how long delivery takes, told for each order by its own features.

    known = shipments(order_id, ordered, shipped, delivered, lane, extra)   # columns; times in days since 1970 UTC
    model = train(known, now)                 # delivery_model.py; chooses memories and lanes by past weeks (choice.py)
    curves = model.curves(asked)              # one curve a row of `asked`, which are Shipments as well
    curves.quantile(0.9)                      # days since the start, one a row
    curves.by(ages)                           # rows x ages: share delivered, the form of serving.delivery_time.curve
    model.weights(asked)                      # 0 where the life table serves, else how much of the curve is learned
    store.dump(model), store.load(data)       # bytes, to keep with the version

`known.from_handover()` puts the same shipments on the clock handover -> door: one model a clock. Where LightGBM can't
be loaded, or fewer than 300 deliveries fall into the weeks judged, the life table answers alone and nothing fails.

    shipments.py      columns, and what was known when
    exposure.py       age cells and person-days
    days.py, schema.py, encodings.py, pulse.py, features.py      what the trees look at
    hazard.py         boosted trees on person-days
    floor.py          the life table in numpy
    curves.py         hazards to shares, quantiles
    choice.py         which memories, and model or life table by lane
    recalibration.py  curves read through what became of earlier ones
"""
