"""A diff as a table: one line after the other, or old and new beside each other."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apps.core.line_diff import DEL, HUNK, INS, KEPT, Diff, Row, Side
from apps.core.value_diff import SAME, Piece

SIGNS = {INS: "+", DEL: "-", KEPT: " "}
SAID = {INS: "added", DEL: "removed", KEPT: ""}
NO_SIDE = SafeString('<td class="no"></td><td class="none"></td>')


def diff_table(diff: Diff, *, is_split: bool) -> SafeString:
    """Draw a diff; every changed line says its sign, and what of it changed is marked."""
    draw = _split_row if is_split else _row
    rows = format_html_join("\n", "{}", ((draw(row),) for row in diff.rows))
    return format_html(
        '<table class="code {}"><caption class="visually-hidden">Changed lines</caption>{}</table>',
        "split" if is_split else "unified",
        rows,
    )


def _row(row: Row) -> SafeString:
    if row.kind == HUNK:
        return _head(row, 3)
    side = row.new or row.old
    return format_html(
        '<tr class="{}"><td class="no">{}</td><td class="no">{}</td><td>{}{}</td></tr>',
        row.kind,
        _number(row.old),
        _number(row.new),
        _sign(row.kind),
        _words(side.pieces if side else ()),
    )


def _split_row(row: Row) -> SafeString:
    if row.kind == HUNK:
        return _head(row, 4)
    is_kept = row.kind == KEPT
    return format_html(
        "<tr>{}{}</tr>",
        _side(row.old, KEPT if is_kept else DEL),
        _side(row.new, KEPT if is_kept else INS),
    )


def _head(row: Row, columns: int) -> SafeString:
    return format_html('<tr class="hunk"><td colspan="{}">{}</td></tr>', columns, row.head)


def _side(side: Side | None, kind: str) -> SafeString:
    if side is None:
        return NO_SIDE
    return format_html(
        '<td class="no">{}</td><td class="{}">{}{}</td>',
        _number(side),
        kind,
        _sign(kind),
        _words(side.pieces),
    )


def _number(side: Side | None) -> str:
    return "" if side is None or side.number is None else str(side.number)


def _sign(kind: str) -> SafeString:
    said = f"{SAID[kind]}: " if SAID[kind] else ""
    return format_html(
        '<span class="sign" aria-hidden="true">{}</span><span class="visually-hidden">{}</span>',
        SIGNS[kind],
        said,
    )


def _words(pieces: Iterable[Piece]) -> SafeString:
    return format_html_join("", "{}", ((_piece(piece),) for piece in pieces))


def _piece(piece: Piece) -> SafeString | str:
    if piece.kind == SAME:
        return piece.text
    return format_html("<{0}>{1}</{0}>", piece.kind, piece.text)
