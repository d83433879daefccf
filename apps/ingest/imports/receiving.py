"""Taking the file of an import out of a request while it arrives.

The file goes to PostgreSQL piece by piece: neither the memory nor the disk of the web server
ever holds it.
"""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

import zstandard
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.http import HttpRequest, QueryDict, UnreadablePostError
from django.http.multipartparser import MultiPartParser, MultiPartParserError

from apps.audit.actors import Actor
from apps.core.bodies import ZSTD_WINDOW
from apps.core.errors import DomainError, EncodingError, InvalidError, LimitError
from apps.ingest.imports import services
from apps.ingest.imports.parts import LARGEST_FILE, PART, PartWriter
from apps.ingest.imports.services import Wish
from apps.ingest.imports.unpacking import guarded
from apps.ingest.models import Import
from apps.tenants.models import Project

FORM = "multipart/form-data"
NOT_WHOLE = f"The body is not a whole {FORM}."
# More than the last line of a form and the space behind it.
LONGEST_END = 256
FIELDS = ("format", "environment", "csrfmiddlewaretoken")
# What reading a body that is packed wrongly, or not whole, raises.
BROKEN = (EOFError, OSError, zlib.error, zstandard.ZstdError)


@dataclass(slots=True)
class Upload:
    """A file that is stored whole, and the fields that came with it."""

    row: Import
    writer: PartWriter
    fields: QueryDict
    file_name: str
    # The key's own, which wins.
    environment: str
    # The request came before, and its file is only compared.
    is_repeated: bool

    @property
    def wish(self) -> Wish:
        environment = self.environment or self.fields.get("environment", "")
        return Wish(self.fields.get("format", ""), self.file_name, environment)

    def accept(self, actor: Actor) -> Import:
        """Queue the import, or return the one that this request made before."""
        try:
            if self.is_repeated:
                services.check_same(self.row, self.writer, self.wish)
                return self.row
            return services.accept_import(self.row, self.writer, self.wish, actor=actor)
        except DomainError:
            self.discard()
            raise

    def discard(self) -> None:
        """Forget the file, unless it was accepted."""
        if not self.is_repeated:
            services.discard_upload(self.row)


def receive(
    request: HttpRequest, project: Project, *, environment: str = "", actor: Actor
) -> Upload:
    """Store the file that a request brings, and return it with the request's fields."""
    if request.content_type != FORM:
        raise EncodingError(f"Send the file as {FORM}, with the fields `file` and `format`.")
    body = _decoded(request)
    key = request.headers.get("Idempotency-Key", "")
    known = services.known_import(project, key)
    row = known or services.begin_import(project, idempotency_key=key, actor=actor)
    arrival = Arrival(PartWriter(row, is_kept=known is None))
    upload = Upload(row, arrival.writer, QueryDict(), "", environment, known is not None)
    try:
        upload.fields = _parse(request, body, arrival)
        upload.file_name = arrival.take_name()
    except DomainError:
        upload.discard()
        raise
    return upload


class Arrival(FileUploadHandler):
    """Writes the one file of a form piece by piece."""

    chunk_size = PART

    def __init__(self, writer: PartWriter) -> None:
        super().__init__()
        self.writer = writer
        self.names: list[str] = []

    def new_file(self, field_name: str, file_name: str, *args: Any, **kwargs: Any) -> None:
        super().new_file(field_name, file_name, *args, **kwargs)
        if field_name != "file":
            raise SkipFile
        if self.names:
            raise InvalidError("Send one file.", "file")
        self.names.append(file_name)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self.writer.write(raw_data)

    def file_complete(self, file_size: int) -> None:
        self.writer.finish()

    def take_name(self) -> str:
        """Return the file's name, or refuse a form without a file."""
        if not self.names:
            raise InvalidError("Required.", "file")
        if not self.writer.size:
            raise InvalidError("The file is empty.", "file")
        return self.names[0]


class _Whole:
    """Passes a body on and remembers how it ended."""

    def __init__(self, body: Any) -> None:
        self._body = body
        self.end = b""

    def read(self, size: int = -1, /) -> bytes:
        chunk: bytes = self._body.read(size)
        self.end = (self.end + chunk[-LONGEST_END:])[-LONGEST_END:]
        return chunk


def _parse(request: HttpRequest, body: Any, arrival: Arrival) -> QueryDict:
    # A sender that does not know the length in advance says none.
    meta = request.META | {"CONTENT_LENGTH": str(2**62)}
    whole = _Whole(body)
    try:
        fields, _ = MultiPartParser(meta, cast(Any, whole), [arrival], "utf-8").parse()
    except (MultiPartParserError, TooManyFieldsSent, TooManyFilesSent):
        raise DomainError(NOT_WHOLE) from None
    except RequestDataTooBig:
        raise LimitError("The fields beside the file are too large.") from None
    except UnreadablePostError:
        raise DomainError("The body broke off before its end.") from None
    except BROKEN:
        raise DomainError("The body is not what its Content-Encoding says.") from None
    # The parser takes a form that was cut off for one that ends there.
    if not whole.end.rstrip().endswith(b"--"):
        raise DomainError(NOT_WHOLE)
    if unknown := [name for name in fields if name not in FIELDS]:
        raise InvalidError("There is no such field.", unknown[0][:100])
    return fields


def _decoded(request: HttpRequest) -> Any:
    """Return the body without its content encoding, unpacked as it is read."""
    name = request.headers.get("Content-Encoding", "").strip().lower()
    if name in ("", "identity"):
        return request
    sent = cast(BinaryIO, request)
    if name == "gzip":
        return guarded(gzip.GzipFile(fileobj=sent), _declared(request))
    if name == "zstd":
        frames = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW)
        return guarded(frames.stream_reader(sent, read_across_frames=True), _declared(request))
    raise EncodingError(f"The content encoding {name[:40]!r} is not read here; use gzip or zstd.")


def _declared(request: HttpRequest) -> int:
    declared = request.headers.get("Content-Length", "")[:20]
    return int(declared) if declared.isdigit() else LARGEST_FILE
