"""Stock and promise under load, side by side with what people would write instead."""
