"""The kinds of trouble that are raised rather than returned. Expected outcomes are values, never exceptions."""


class UserError(Exception):
    """Something a person can mend; its text is shown to them as it is.

    The first sentence says what happened and with which input, the last one the next step to take.
    """


class Fault(Exception):  # noqa: N818 - the word of the glossary
    """Something the bot cannot explain to a user: it is logged with an id and, when `passing`, tried again.

    `retry_after` is how many seconds should go by before that, None when nobody said. `answer` is the outcome to take
    when it has not passed in the end: a “no” that was too early at first, and is one all the same.
    """

    answer: object = None

    def __init__(self, message: str, *, passing: bool = False, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.passing = passing
        self.retry_after = retry_after
