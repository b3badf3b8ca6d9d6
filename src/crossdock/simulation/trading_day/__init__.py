"""One trading day from the first till receipt to the ERP's journals, on real systems, with its proof. See README.md."""
