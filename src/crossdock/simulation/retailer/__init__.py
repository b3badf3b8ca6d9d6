"""The demo's retailer: stores, tills, web shop and one trading day made from public grocery receipts."""
