"""The learned hazard in production: read from the warehouse, trained, compared, kept, and its curves written for SQL.

reading   shipments of the warehouse as columns, in bounded memory
choice    rolling backtest on the last weeks: which lanes the learned hazard serves
fitting   hazard and life table, fitted and read at given ages
mix       which orders stand for a lane, and its curves by weekday
own       curves of single open shipments, told their own features
store     versions, scores and curves in the warehouse
"""
