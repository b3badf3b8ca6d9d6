"""The shop's Admin GraphQL: checked, priced in points, and answered from the books."""
