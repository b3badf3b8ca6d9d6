"""State flows: the newest state is read when it is sent, so a thousand changes of one subject are one send."""
