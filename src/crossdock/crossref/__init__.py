"""Who is who: our codes and documents against those of connected systems."""
