"""What people see of messages, and what they can do with records that stand still."""
