"""Lineage: what each step reads and writes, as datasets with columns and with what the gate and the load found.

Steps name tables (`core.shipment`) and, for what only the run knows, roles (`staged`). `datasets` gives them names by
the OpenLineage standard, `told` finds out about a run from the warehouse, `facets` puts it in OpenLineage's words.
"""
