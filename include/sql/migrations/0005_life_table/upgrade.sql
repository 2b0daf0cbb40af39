-- Delivery time from all parcels, delivered or not.

-- `curve` holds the share delivered, of those delivered within the horizon, by each of serving.age_bounds(measure), up to the
-- horizon: never falling, 1 at its end. NULL where no parcel in the world was delivered.
ALTER TABLE serving.delivery_time ADD COLUMN curve double precision [];
