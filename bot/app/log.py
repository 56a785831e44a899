"""The bot's log: one `key=value` line per event on standard error, with the delivery and the job it belongs to.

It must never let a credential through, nor text from outside that could pass for a line or a field of its own.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from urllib.parse import quote

from bot.core.model import Secret

_PATTERNS = (
    (re.compile(r"(?:gh[pousr]_|github_pat_|glpat-|gldt-|glrt-)[\w.-]{4,}"), "***"),
    (re.compile(r"\beyJ[\w-]{8,2000}\.[\w-]{8,2000}\.[\w-]{8,}"), "***"),
    (re.compile(r"(?i)\b(authorization['\"]*\s*[:=]\s*['\"]?\w+\s+)[^\s'\"]+"), r"\1***"),
    (re.compile(r"(?i)\b((?:basic|bearer)\s+)(?=\S*[\d=])[\w+/=.~-]{8,}"), r"\1***"),
    (re.compile(r"(?<=://)[^\s/@]+@"), "***@"),
)
_BARE = re.compile(r"[\w.:/@+#*-]+", re.ASCII)
_USUAL = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}

_hidden: set[str] = set()
_passing: deque[str] = deque(maxlen=200)
_about: ContextVar[dict[str, str] | None] = ContextVar("about", default=None)


def hide(*secrets: Secret) -> None:
    """From now on these values are taken out of every text that passes through `redact`, quoted in an address too."""
    for secret in secrets:
        if value := secret.reveal():
            _hidden.update((value, quote(value, safe="")))


def hide_for_now(secret: Secret) -> None:
    """Hide a token that will soon be replaced by another; the newest of them are known."""
    value = secret.reveal()
    if len(value) >= _SHORTEST and value not in _passing:
        _passing.append(value)


_SHORTEST = 8
"""Characters. No forge hands out a shorter token, and hiding one would tear holes into every text."""


def conceal(text: str) -> str:
    """The text without the credentials that are known by value. Whatever else it says, it says still."""
    for value in sorted((*_hidden, *_passing), key=len, reverse=True):
        text = text.replace(value, "***")
    return text


def redact(text: str) -> str:
    """The text without credentials: the known ones by value, others by their form."""
    text = conceal(text)
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


@contextmanager
def about(**fields: str) -> Iterator[None]:
    """Put these fields on every line that is logged inside, by whatever module."""
    token = _about.set({**(_about.get() or {}), **fields})
    try:
        yield
    finally:
        _about.reset(token)


def name_fault(error: BaseException) -> str:
    """The id under which a fault is logged and shown; the same error keeps the one it got first."""
    for note in getattr(error, "__notes__", ()):
        if note.startswith("fault "):
            return str(note[len("fault ") :])
    from secrets import token_hex

    name = token_hex(4)
    error.add_note(f"fault {name}")
    return name


class Line(logging.Formatter):
    """A record as one line of `key=value`; what is not plain is quoted as JSON does, so nothing can break the line."""

    def __init__(self, *, traces: bool = True) -> None:
        super().__init__()
        self._traces = traces

    def format(self, record: logging.LogRecord) -> str:
        """Redacted before it is quoted, since quoting would hide a credential's form from the patterns."""
        return " ".join(f"{_plain(key)}={_plain(value)}" for key, value in self._fields(record).items())

    def _fields(self, record: logging.LogRecord) -> dict[str, str]:
        when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        fields = {"time": when, "level": record.levelname.lower(), "from": record.name, "message": record.getMessage()}
        fields |= _about.get() or {}
        fields |= {key: str(value) for key, value in record.__dict__.items() if key not in _USUAL}
        if record.exc_info and record.exc_info[1]:
            fields["error"] = f"{type(record.exc_info[1]).__name__}: {record.exc_info[1]}"
            if self._traces:
                fields["trace"] = self.formatException(record.exc_info)
        return {key: redact(value) for key, value in fields.items()}


class JsonLine(Line):
    """A record as one object of JSON on a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Redacted before it is quoted, as in `Line`."""
        return json.dumps(self._fields(record))


def _plain(value: str) -> str:
    return value if _BARE.fullmatch(value) else json.dumps(value)


def start_logging(level: int = logging.INFO, *, traces: bool = True, as_json: bool = False) -> None:
    """Send everything that is logged in this process to standard error, tracebacks if wanted."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter((JsonLine if as_json else Line)(traces=traces))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for chatty in ("urllib3", "github", "git", "werkzeug", "waitress"):
        logging.getLogger(chatty).setLevel(max(level, logging.WARNING))
