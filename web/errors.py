"""What can keep a page from being shown; each ends in a page of its own."""


class NotVisible(Exception):
    """It does not exist, or not for this reader: 404."""


class NotAllowed(Exception):
    """The reader sees it but may not do this: 403."""


class Fault(Exception):
    """Something broke on our side; the incident's id finds it in the log: 500."""

    def __init__(self, incident: str) -> None:
        super().__init__(incident)
        self.incident = incident
