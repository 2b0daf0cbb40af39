"""The shops behind the parcels: what is sold, who buys it, and what the storefronts tell of it."""
