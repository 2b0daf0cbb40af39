"""Journeys under way: how long the rest takes, which parcels are stuck, and which steps stand still."""
