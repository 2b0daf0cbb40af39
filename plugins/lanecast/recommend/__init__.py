"""What to recommend: to each customer, to discover or to buy again, and beside each product."""
