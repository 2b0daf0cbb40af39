"""Following parcels: which are due, pulling them from their carriers, staging what was answered."""
