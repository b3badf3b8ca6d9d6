"""Orders whose goods are gone."""
