"""The ways the programs give up, each with the text that the contract gives them."""


class DoubleError(Exception):
    """A failure whose text is for the caller's stderr; the programs exit 1 with it (contract 2)."""


class UsageError(DoubleError):
    """A wrong command line: the usage is printed on stdout as well (contract 2, exit codes)."""


class SetupError(DoubleError):
    """The container could not be built; `FAILED to setup image.` follows the detail line."""
