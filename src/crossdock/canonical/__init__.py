"""The hub's own language: frozen documents and facts that every package and connector speaks."""
