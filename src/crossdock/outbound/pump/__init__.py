"""One pump per connection: claims, calls, records."""
