"""Reference pages made from the code: `./crossdock docs` writes them, a test fails when one is stale."""
