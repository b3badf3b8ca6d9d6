"""Orders: one coherent life from every channel's fragments to the customer's door."""
