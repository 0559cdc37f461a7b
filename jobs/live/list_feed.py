"""The feed of a window: it says when a page does not show what there is any more."""

from __future__ import annotations

from .. import news
from ..sight.job_list import IdWindow, shows_other_statuses
from ..sight.windows import Window
from .feeds import Feed, Read
from .viewers import Frame, Viewer

LIST_GAP_SECONDS = 0.1  # longer than that of a job: the whole page is fetched again


class ListFeed(Feed[str]):
    """Tells pages of a window that they are stale; they fetch themselves again."""

    group = news.ALL_JOBS

    def __init__(self, read: Read, window: Window) -> None:
        self._window = window
        if not isinstance(window, IdWindow):
            self.gap = LIST_GAP_SECONDS
        super().__init__(read)

    async def _update(self, viewers: list[Viewer[str]], is_tick: bool) -> None:
        if is_tick:
            await self._read_lock()
        mark, cells = await self._read(self._window.read)
        tick = self._tick(mark=mark)
        stale = {urgent: Frame("stale", urgent=urgent, cells=cells) for urgent in (False, True)}
        for viewer in viewers:
            is_fetching = viewer.known is None
            shown = viewer.stale_at if viewer.known is None else viewer.known
            differs = shows_other_statuses(shown, mark)
            if shown != mark and (differs or not is_fetching):
                viewer.known, viewer.stale_at = None, mark
                viewer.put(stale[differs and not self._window.cells_show_all])
            if is_tick or (viewer.awaits_tick and viewer.known is not None):
                viewer.put_tick(tick)
