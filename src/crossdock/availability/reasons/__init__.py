"""Why a number is zero, in codes that people and machines know."""
