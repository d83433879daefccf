"""What is said about a session follows it into the one that it joins, and ends with it.

Both are called by the record in its own transaction, with ids alone: that is why rows are
reached across projects here, each time with the project's id given.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db.models import Model

from apps.annotations import sealing
from apps.annotations.models import Comment, CommentEdit, Example, Score
from apps.sessions import reader, sql
from apps.sessions.keys import SessionCipher

MOVE_TAGS = """
INSERT INTO annotations_eventtag (project_id, session_id, event_id, tag, given_by, given_at)
SELECT project_id, $3, event_id, tag, given_by, given_at FROM annotations_eventtag
WHERE project_id = $1 AND session_id = $2 ON CONFLICT DO NOTHING
"""
DELETE_TAGS = "DELETE FROM annotations_eventtag WHERE project_id = $1 AND session_id = $2"


class Resealing:
    """Opens what one session's key closed, and closes it under another's."""

    def __init__(self, old: SessionCipher, new: SessionCipher) -> None:
        self.old, self.new = old, new

    def change(self, rows: Iterable[Any], **purposes: bytes) -> list[Any]:
        """Set each named column of the rows anew; return the rows."""
        changed = list(rows)
        for row in changed:
            for name, purpose in purposes.items():
                if (sealed := getattr(row, name)) is not None:
                    opened = self.old.open(bytes(sealed), purpose)
                    setattr(row, name, self.new.seal(opened, purpose))
        return changed


def move_annotations(project_id: int, old: UUID, new: UUID) -> None:
    """Let all that was said about ``old`` be said about ``new``, under that one's key."""
    sql.run(MOVE_TAGS, project_id, old, new)
    sql.run(DELETE_TAGS, project_id, old)
    ciphers = reader.ciphers_of(project_id, [old, new])
    resealing = Resealing(ciphers[old], ciphers[new])
    comments = _of(Comment, project_id, old)
    edits = CommentEdit.unscoped.filter(project_id=project_id, comment__session_id=old)
    _write(CommentEdit, resealing.change(edits, sealed_text=sealing.COMMENT), "sealed_text")
    sealed = {"sealed_text": sealing.COMMENT, "sealed_range": sealing.RANGE}
    _write(Comment, _into(resealing.change(comments, **sealed), new), "session_id", *sealed)
    scores = resealing.change(_of(Score, project_id, old), sealed_comment=sealing.WHY)
    _write(Score, _into(scores, new), "session_id", "sealed_comment")
    _move_example(project_id, old, new, resealing)


def _move_example(project_id: int, old: UUID, new: UUID, resealing: Resealing) -> None:
    """The example of the session that stays is the one; the other's notes are put below it."""
    sealed = {"sealed_title": sealing.TITLE, "sealed_notes": sealing.NOTES}
    moved = resealing.change(_of(Example, project_id, old), **sealed)
    kept = _of(Example, project_id, new).first()
    if kept is None:
        _write(Example, _into(moved, new), "session_id", *sealed)
        return
    for example in moved:
        title = sealing.open_text(resealing.new, example.sealed_title, sealing.TITLE)
        notes = sealing.open_text(resealing.new, example.sealed_notes, sealing.NOTES)
        held = sealing.open_text(resealing.new, kept.sealed_notes, sealing.NOTES)
        both = f"{held}\n\n---\n\n**{title}**\n\n{notes}".strip()
        kept.sealed_notes = sealing.seal(resealing.new, both, sealing.NOTES)
        kept.save(update_fields=["sealed_notes"])
        example.delete()


def erase_annotations(project_id: int, session_id: UUID) -> None:
    """Delete all that was said about a session that is erased."""
    # The edits and mentions of comments go with them.
    for model in (Comment, Score, Example):
        _of(model, project_id, session_id).delete()
    sql.run(DELETE_TAGS, project_id, session_id)


def _of(model: Any, project_id: int, session_id: UUID) -> Any:
    return model.unscoped.filter(project_id=project_id, session_id=session_id)


def _into(rows: list[Any], session_id: UUID) -> list[Any]:
    for row in rows:
        row.session_id = session_id
    return rows


def _write(model: Any, rows: list[Model], *columns: str) -> None:
    names = [name.removesuffix("_id") for name in columns]
    model.unscoped.bulk_update(rows, names, batch_size=500)
