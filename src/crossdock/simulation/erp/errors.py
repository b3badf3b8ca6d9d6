"""Why the rehearsal ERP cannot run: each text is one sentence and what to do."""


class ErpError(Exception):
    """The ERP process cannot be made, started or spoken to."""


class ErpRefusedError(ErpError):
    """The ERP answered a call with an error; the text is the ERP's own first sentence."""
