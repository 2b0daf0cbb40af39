"""Storefronts as sources: shops, databases and files whose orders, products and behaviour are read by watermark."""
