"""How a graph is written down: as SVG, in which every node is a link, or as a list."""

from __future__ import annotations

from collections.abc import Iterable

from django import template
from django.templatetags.static import static
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apps.sessions.graph_drawing import LaneHead, Line, Node, Picture, Stub
from apps.sessions.graph_places import HEAD, WIDTH
from apps.sessions.player import group_of, icon_of

register = template.Library()

BAR = 5
# Heads of lines by colour: a line's head cannot take the line's own in all browsers.
HEADS = ("plain", "tool", "agent", "decision")
HEAD_OF = {
    "tool_chain": "tool",
    "hand_off": "agent",
    "sub_agent": "agent",
    "remote_call": "agent",
    "branch": "decision",
}


@register.simple_tag(takes_context=True)
def graph_svg(context: template.Context, picture: Picture) -> SafeString:
    """Draw the picture; it is as large as it is, and scrolls."""
    count = len(picture.nodes)
    says = f"Graph of {count} node{'s' if count != 1 else ''}; arrow keys follow the lines"
    return format_html(
        '<svg class="graph-svg" role="group" aria-label="{}" width="{}" height="{}" '
        'viewBox="0 0 {} {}">{}{}{}{}{}{}</svg>',
        says,
        picture.width,
        picture.height,
        picture.width,
        picture.height,
        _markers(),
        _lanes(picture),
        _lines(picture.lines),
        _stubs(picture.stubs),
        format_html_join("", "{}", ((_node(context, node),) for node in picture.nodes)),
        _lane_names(picture.lanes),
    )


def _markers() -> SafeString:
    markers = format_html_join(
        "",
        '<marker id="gr-{}" class="gr-head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" '
        'markerHeight="8" markerUnits="userSpaceOnUse" orient="auto-start-reverse">'
        '<path class="head-{}" d="M0 0L8 4L0 8Z"/></marker>',
        ((name, name) for name in HEADS),
    )
    return format_html("<defs>{}</defs>", markers)


def _lanes(picture: Picture) -> SafeString:
    return format_html_join(
        "",
        '<rect class="gr-lane" x="{}" y="0" width="{}" height="{}"/>',
        ((lane.x, lane.width, picture.height) for lane in picture.lanes[1::2]),
    )


def _lane_names(lanes: Iterable[LaneHead]) -> SafeString:
    names = format_html_join(
        "",
        '<rect class="gr-lane-ground" x="{}" y="0" width="{}" height="{}"/>'
        '<text class="gr-lane-name" x="{}" y="{}">{}</text>',
        ((lane.x, lane.width, HEAD - 8, lane.x + 16, HEAD - 18, lane.name) for lane in lanes),
    )
    return format_html('<g class="gr-lanes">{}</g>', names)


def _lines(lines: Iterable[Line]) -> SafeString:
    return format_html_join("", "{}{}", ((_line(line), _word(line)) for line in lines))


def _line(line: Line) -> SafeString:
    return format_html(
        '<path class="gr-line tie-{} {}{}" d="{}" marker-{}="url(#gr-{})" data-from="{}" '
        'data-to-node="{}" data-first="{}" data-says="{}"/>',
        line.tie,
        line.basis,
        " future" if line.target.is_future else "",
        line.path,
        "start" if line.is_reversed else "end",
        HEAD_OF.get(line.tie, "plain"),
        line.source.number,
        line.target.number,
        line.target.first,
        _says(line),
    )


def _says(line: Line) -> str:
    times = f", {line.count:,} times" if line.count > 1 else ""
    return f"{line.title}, {line.basis}{times}: {line.reason}"


def _word(line: Line) -> SafeString:
    if not line.word:
        return SafeString()
    return format_html('<text class="gr-word" x="{}" y="{}">{}</text>', *line.word_at, line.word)


def _stubs(stubs: Iterable[Stub]) -> SafeString:
    return format_html_join(
        "",
        '<path class="gr-line tie-branch {}" d="{}"/>'
        '<text class="gr-stub" x="{}" y="{}" data-says="{}: {}">{}</text>',
        (
            (
                "explicit" if stub.is_chosen else "gr-not-taken",
                stub.path,
                stub.x,
                stub.y,
                "Chosen" if stub.is_chosen else "Not chosen",
                stub.full,
                f"✓ {stub.text}" if stub.is_chosen else stub.text,
            )
            for stub in stubs
        ),
    )


def _node(context: template.Context, node: Node) -> SafeString:
    place = node.place
    return format_html(
        '<a class="gr-node kind-{}{}" href="?view=graph&amp;graph={}&amp;step={}" '
        'data-step-at="{}" data-node="{}" data-first="{}" aria-label="{}"{}>'
        '<rect class="gr-box" x="{}" y="{}" width="{}" height="{}" rx="5"/>'
        '<path class="gr-bar" d="M{} {}v{}"/>'
        '<use class="gr-icon" href="{}#{}" x="{}" y="{}" width="14" height="14"/>{}</a>',
        group_of(node.kind),
        _states(node),
        context["graph_mode"],
        node.step,
        node.at,
        node.number,
        node.first,
        node.says,
        SafeString(' aria-current="step"') if node.is_selected else "",
        place.x,
        place.y,
        WIDTH,
        place.height,
        place.x + BAR // 2 + 1,
        place.y + 6,
        place.height - 12,
        static("ph/icons.svg"),
        icon_of(node.kind),
        place.x + 12,
        place.y + 9,
        _texts(node),
    )


def _states(node: Node) -> str:
    states = {"future": node.is_future, "failed": node.error, "many": node.corner.startswith("×")}
    return "".join(f" {name}" for name, holds in states.items() if holds)


def _texts(node: Node) -> SafeString:
    x, y, right = node.place.x + 32, node.place.y, node.place.right - 8
    texts: list[tuple[str, int, int, str]] = [
        ("gr-name", x, y + 20, node.label),
        ("gr-corner", right, y + 20, node.corner),
        ("gr-foot", x, y + 37, node.timing),
        ("gr-foot", x, y + 53, node.beside),
        ("gr-error", right, y + (53 if node.place.height > 50 else 37), node.error),
    ]
    return format_html_join(
        "", '<text class="{}" x="{}" y="{}">{}</text>', (one for one in texts if one[3])
    )


@register.simple_tag(takes_context=True)
def graph_list(context: template.Context, picture: Picture) -> SafeString:
    """Write the same as a list: each node, and what leads on from it, with how that is known."""
    entries = ((_entry(context, node),) for node in picture.nodes)
    return format_html(
        '<ol class="graph-list scroll" tabindex="0">{}</ol>',
        format_html_join("", "{}", entries),
    )


def _entry(context: template.Context, node: Node) -> SafeString:
    taken = format_html_join("", "<li>→ <bdi>{}</bdi> {}</li>", _roads(node))
    return format_html(
        '<li{}><a href="{}" data-step-at="{}"><bdi>{}</bdi></a>{}</li>',
        SafeString(' aria-current="step"') if node.is_selected else "",
        _address(context, node),
        node.at,
        node.says,
        format_html("<ul>{}</ul>", taken) if taken else "",
    )


def _roads(node: Node) -> Iterable[tuple[str, str]]:
    for line in node.leads_to:
        yield line.target.name, f"({_says(line)})"
    if node.chosen:
        yield node.chosen, "(chosen)"
    for other in node.alternatives:
        yield other, "(not chosen)"


def _address(context: template.Context, node: Node) -> str:
    return f"?view=graph&graph={context['graph_mode']}&as=list&step={node.step}"
