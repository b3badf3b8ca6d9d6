"""The one place that constructs things and knows which fact calls which service."""
