"""Do an order's amounts and quantities agree with each other?"""
