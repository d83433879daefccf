"""The formats of files that can be imported."""

from __future__ import annotations

from dataclasses import dataclass

from apps.core.errors import InvalidError
from apps.ingest.importers.auto import Recognised
from apps.ingest.importers.histories import Histories
from apps.ingest.importers.importer import Importer
from apps.ingest.importers.inspect_logs import InspectLogs
from apps.ingest.importers.langfuse_exports import LangfuseExports
from apps.ingest.importers.native_lines import NativeLines
from apps.ingest.importers.openai_chat import Chats
from apps.ingest.importers.otlp_lines import OtlpLines
from apps.ingest.importers.phoenix import PhoenixSpans
from apps.ingest.importers.swe_agent import Trajectories


@dataclass(frozen=True, slots=True)
class Format:
    """One format: its name in the API, and what people are told of it."""

    name: str
    label: str
    # One sentence: what such a file holds, and where it comes from.
    help: str
    importer: type[Importer]


_ALL = (
    Format(
        "auto",
        "Recognise it",
        "Playhead looks at the first records of the file and says which format it took.",
        Recognised,
    ),
    Format(
        "openai-chat",
        "OpenAI chats",
        "Lists of chat messages with role and content, or objects that hold one as messages.",
        Chats,
    ),
    Format(
        "chat",
        "Other chat histories",
        "Who speaks and what is said, in the shapes of ShareGPT, Anthropic, Gemini and others.",
        Histories,
    ),
    Format(
        "otlp-jsonl",
        "OpenTelemetry JSON",
        "One OTLP request in JSON a line, as the file exporter of the Collector writes them.",
        OtlpLines,
    ),
    Format(
        "inspect",
        "Inspect logs",
        "Evaluation logs of Inspect: a .json log or an .eval archive. A sample is a session.",
        InspectLogs,
    ),
    Format(
        "langfuse-json",
        "Langfuse exports",
        "Traces, observations and scores as Langfuse's API and exports give them, in JSON.",
        LangfuseExports,
    ),
    Format(
        "phoenix",
        "Phoenix spans",
        "Spans of Arize Phoenix: JSON of its API, JSON lines, or a data frame saved as CSV.",
        PhoenixSpans,
    ),
    Format(
        "swe-agent",
        "SWE-agent trajectories",
        "Trajectories of SWE-agent (.traj): thoughts, actions and observations step by step.",
        Trajectories,
    ),
    Format(
        "playhead-jsonl",
        "Playhead events",
        "One event a line, in the shape that POST /api/v1/events takes.",
        NativeLines,
    ),
)
FORMATS = {one.name: one for one in _ALL}


def format_named(name: str) -> Format:
    """Return the format with this name, or refuse it, naming those that are known."""
    if name not in FORMATS:
        raise InvalidError(f"Must be one of {', '.join(FORMATS)}.", "format")
    return FORMATS[name]
