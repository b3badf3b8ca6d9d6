"""Crossdock: the hub that keeps a retailer's ERP, stores, web shops and warehouses in step."""

from typing import Final

VERSION: Final = "0.1.0"
