"""Why the stream stands still on a connection, and until when. Pure.

After a refusal the window empties, time passes, and then one message goes ahead: its answer decides.
"""

from __future__ import annotations

from typing import Final

_REST_S: Final = 300.0
"""How long the stream rests after the broker forbade its topic."""

_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 30.0


class Obstacle:
    """A quota that is used up (for a moment), or what lasts until somebody acts: a forbidden topic, or no subscriber.

    Either of these outlives the connection, and so is news once. ``costs_connection``: the broker hangs up over each
    message to the forbidden topic.
    """

    def __init__(self) -> None:
        """Nothing is in the way."""
        self.is_denied = False
        self.is_held = False
        self._is_refused = False
        self._is_probing = False
        self.costs_connection = False
        self._until_s = 0.0
        self._pause_s = _FIRST_PAUSE_S

    def forget(self) -> None:
        """A new connection: try at once, but still one message ahead where the obstacle lasts.

        Where each try costs the connection, it keeps its rest: all else needs one.
        """
        self._is_refused = False
        self._is_probing = False
        if not self.costs_connection:
            self._until_s = 0.0
        self._pause_s = _FIRST_PAUSE_S

    def deny(self, now_s: float, *, costs_connection: bool = False) -> bool:
        """The topic is forbidden. True if that is news."""
        is_news = not self.is_denied
        if is_news or self._is_probing or costs_connection:
            self._until_s = now_s + _REST_S
        self.costs_connection = costs_connection
        self.is_denied = True
        self._is_probing = False
        return is_news

    def refuse(self, now_s: float) -> bool:
        """The broker has no room now. True if that is news."""
        is_news = not self._is_refused
        self._is_refused = True
        self._pause(now_s, is_news=is_news)
        return is_news

    def hold(self, now_s: float) -> bool:
        """Nobody listens, and that is not good enough. True if that is news."""
        is_news = not self.is_held
        self.is_held = True
        self.is_denied = self.is_denied and not self._is_probing
        self._pause(now_s, is_news=is_news)
        return is_news

    def sent(self) -> None:
        """A message went out; if something was in the way, it is the one ahead."""
        self._is_probing = self.is_in_the_way

    def delivered(self) -> bool:
        """A message arrived. True if that ends the obstacle: what was on its way before proves nothing."""
        if not self._is_probing:
            return False
        self.is_denied = False
        self.is_held = False
        self.costs_connection = False
        self.forget()
        return True

    def lets_pass(self, unanswered: int, now_s: float) -> bool:
        """Whether the next message may go."""
        if not self.is_in_the_way:
            return True
        return unanswered == 0 and now_s >= self._until_s

    def wait_s(self, now_s: float) -> float:
        """Seconds until it may, once the window is empty."""
        return max(self._until_s - now_s, 0.0) if self.is_in_the_way else 0.0

    @property
    def is_in_the_way(self) -> bool:
        """Whether there is any obstacle."""
        return self._is_refused or self.is_denied or self.is_held

    def _pause(self, now_s: float, *, is_news: bool) -> None:
        if is_news or self._is_probing:
            self._until_s = max(self._until_s, now_s + self._pause_s)
            self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)
        self._is_probing = False
