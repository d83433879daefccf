"""Two weeks of a support desk's sessions, for people who have none of their own yet.

``demo_sessions`` is a pure function of the time: the same conversations under the same ids,
some time before. They are sent over HTTP like any client's.
"""

from apps.web.demo.schedule import demo_sessions

__all__ = ["demo_sessions"]
