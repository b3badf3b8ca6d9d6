"""Simulated counterparts: the demo retailer and channel systems that users rehearse against."""
