-- Takes out the touched lanes of one level; those that still have shipments come back from delivery_time.sql.
DELETE FROM serving.delivery_time
WHERE delivery_time.specificity = %(specificity)s AND {touched}
