DROP VIEW serving.seen_shipment;
DROP TABLE
serving.disruption,
serving.step_noise,
serving.day_factor,
serving.holiday_year,
serving.holiday,
serving.step_day,
serving.shipment_eta,
serving.remaining_time,
serving.dwell,
serving.under_way_learned
CASCADE;
DROP INDEX serving.shipment_status_ended;
