"""Reading a gate file for whoever has no YAML: the command of the client."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.errors import InvalidError
from apps.prompts.checks import LONGEST_TEXT
from apps.replays.runs.gate_lines import lines_of, with_lines
from apps.replays.runs.gate_prompts import (
    LONGEST_PATH,
    Pushed,
    files_wanted,
    look_up_files,
    push_files,
)
from apps.replays.runs.gate_text import LONGEST_FILE, parsed
from apps.replays.runs.settings import MOST_CANDIDATES, read_run_settings
from apps.replays.suite_shapes import StrictSerializer
from apps.sessions.filters import refuse_unknown
from apps.tenants.doors import ProjectAPIView
from apps.tenants.idempotency import repeatable
from apps.tenants.permissions import Permission

Json = Any
COMMON = frozenset({"project"})
TAGS = ["regression runs"]


class GateIn(StrictSerializer):
    """A gate file, and the files of prompts that it names."""

    gate = serializers.CharField(
        trim_whitespace=False, max_length=LONGEST_FILE, help_text="The file, as it is."
    )
    files = serializers.DictField(
        child=serializers.CharField(
            trim_whitespace=False, allow_blank=True, max_length=LONGEST_TEXT
        ),
        default=dict,
        help_text="What the files say that candidates name, by the paths that they name.",
    )
    push = serializers.BooleanField(
        default=False,
        help_text="Add versions to the library for files that say what no version says. Takes "
        "the scope prompts:write.",
    )


class GateFileOut(serializers.Serializer[Any]):
    """A file of a prompt that a candidate is made of."""

    candidate = serializers.IntegerField(help_text="Its place in the gate file, from 0.")
    file = serializers.CharField()
    prompt = serializers.CharField()
    version = serializers.IntegerField(
        allow_null=True, help_text="Null: no version says it, or the file was not sent."
    )
    new = serializers.BooleanField()


class GateOut(serializers.Serializer[Any]):
    """What a gate file asks for, as a run is started with."""

    settings = serializers.JSONField(
        allow_null=True, help_text="Null while files are missing that candidates are made of."
    )
    files = GateFileOut(many=True)
    missing = serializers.ListField(child=serializers.CharField(), help_text="Files to send.")
    lines = serializers.DictField(
        child=serializers.IntegerField(), help_text="The line of each field, from 1."
    )


class GateReading(ProjectAPIView):
    """Reads a gate file, and runs nothing."""

    needs: ClassVar[Mapping[str, Permission]] = {"POST": Permission.RUN_REPLAYS}

    @repeatable
    @extend_schema(
        operation_id="read_gate_file",
        summary="Read a gate file",
        request=GateIn,
        responses=GateOut,
        tags=TAGS,
    )
    def post(self, request: Request) -> Response:
        """Check a gate file and return its settings, ready to plan or start a run with.

        Errors have the `line` of the field beside its path. A candidate with a `file` is run with
        the version of its prompt that says what the file says.
        """
        refuse_unknown(request.query_params.dict(), COMMON)
        sent = GateIn(data=request.data)
        sent.is_valid(raise_exception=True)
        told = parsed(sent.validated_data["gate"])
        lines = lines_of(sent.validated_data["gate"])
        try:
            return Response(self._read(told, sent.validated_data) | {"lines": lines})
        except InvalidError as error:
            raise with_lines(error, lines) from None

    def _read(self, told: dict[str, Json], sent: Mapping[str, Json]) -> dict[str, Json]:
        wanted, texts = files_wanted(told), _known_files(sent["files"])
        missing = sorted({one.path for one in wanted if one.path not in texts})
        if missing:
            files = [_file_json(Pushed(one, None, is_new=False)) for one in wanted]
            return {"settings": None, "files": files, "missing": missing}
        found = look_up_files(self.project, wanted, texts)
        settings = with_versions(told, found, texts)
        # Before anything is added.
        read_run_settings(settings)
        if sent["push"] and any(one.is_new for one in found):
            self.require(Permission.WRITE_PROMPTS)
            found = push_files(self.project, wanted, texts, actor=self.actor)
            settings = with_versions(told, found, texts)
        return {"settings": settings, "files": list(map(_file_json, found)), "missing": []}


def with_versions(
    told: Mapping[str, Json], found: Sequence[Pushed], texts: Mapping[str, str]
) -> dict[str, Json]:
    """Return settings whose candidates name versions in the place of files.

    Where there is no version yet, and none was added, the words stand there themselves, so that
    a plan can be made of them.
    """
    candidates = list(told.get("candidates") or [])
    for one in found:
        candidate = dict(candidates[one.file.at])
        if one.version is None:
            candidate.pop("prompt", None)
            candidate["system"] = texts[one.file.path]
        else:
            candidate["prompt"] = f"{one.file.prompt}@{one.version}"
        candidates[one.file.at] = candidate
    return {**told, "candidates": candidates} if found else dict(told)


def _known_files(files: Mapping[str, str]) -> Mapping[str, str]:
    if len(files) > MOST_CANDIDATES:
        raise InvalidError(f"At most {MOST_CANDIDATES} files are sent.", "files")
    if any(len(path) > LONGEST_PATH for path in files):
        raise InvalidError(f"A path has at most {LONGEST_PATH} characters.", "files")
    return files


def _file_json(one: Pushed) -> dict[str, Json]:
    return {
        "candidate": one.file.at,
        "file": one.file.path,
        "prompt": one.file.prompt,
        "version": one.version,
        "new": one.is_new,
    }
