"""Errors of the domain. Their messages are written for the person who reads them."""

from __future__ import annotations


class DomainError(Exception):
    """Something the caller asked for cannot be done; ``status`` is its HTTP answer."""

    status = 400
    title = "Bad request"


class ConflictError(DomainError):
    """The thing is no longer in the state that the change needs."""

    status = 409
    title = "Conflict"


class LimitError(DomainError):
    """A size limit was passed; the message names the limit."""

    status = 413
    title = "Too large"


class EncodingError(DomainError):
    """A content encoding or type that is not read here."""

    status = 415
    title = "Unsupported media type"


class InvalidError(DomainError):
    """Input was refused; ``errors`` says which field, and why."""

    def __init__(self, message: str, path: str = "") -> None:
        super().__init__(message)
        self.errors = [{"path": path, "message": message}]


class UnavailableError(DomainError):
    """A store cannot take writes now; the caller should come back."""

    status = 503
    title = "Unavailable"
    retry_after_seconds = 5


class QuotaError(DomainError):
    """The project has used up what it may; the caller should come back later."""

    status = 429
    title = "Too many requests"
    retry_after_seconds = 60
