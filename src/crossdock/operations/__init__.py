"""What people work on: exceptions with an owner and a clock, traces that explain."""
