from erp_process import erp

__all__ = ["erp"]
