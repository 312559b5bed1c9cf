"""What the list page was asked for, its address with some of it changed, and its filters."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from schemas.scores import Band
from streams.api.ranked import Pursued, pursued_of
from streams.api.shown import label
from streams.views.base import Segment, Sort

__all__ = ["Asked", "segment_links", "tiles"]

_BANDS = (Band.RED, Band.YELLOW, Band.UNKNOWN, Band.GREEN)


class Asked:
    """What the page was asked to show; a value that means nothing is as good as none."""

    def __init__(
        self, *, band: str, segment: str, pursued: str, sort: str, search: str, cursor: str
    ) -> None:
        self.band = Band(band) if band in list(Band) else None
        self.segment = segment
        self.asked_pursued = Pursued(pursued) if pursued in list(Pursued) else None
        self.sort = Sort(sort) if sort in list(Sort) else Sort.ATTENTION
        self.search = search.strip()
        self.cursor = cursor
        #: None: whether pursued or not.
        self.pursued = pursued_of(self.asked_pursued, self.sort, self.search)

    def link(self, **changes: Any) -> str:
        """The page's address with some of it changed; a cursor holds for one page only."""
        query = {
            "band": self.band,
            "segment": self.segment,
            "pursued": self.asked_pursued,
            "sort": None if self.sort is Sort.ATTENTION else self.sort,
            "search": self.search,
            **changes,
        }
        encoded = urlencode({name: str(value) for name, value in query.items() if value})
        return f"/?{encoded}" if encoded else "/"


def tiles(counts: Mapping[Band, int], asked: Asked) -> list[dict[str, Any]]:
    """The totals, each a link that filters by it; with its stretch of the ribbon in percent."""
    total = sum(counts.values())
    found: list[dict[str, Any]] = [
        {
            "band": "all",
            "count": total,
            "link": asked.link(band=None),
            "current": asked.band is None,
        }
    ]
    start = 0.0
    for band in _BANDS:
        width = 100 * counts[band] / total if total else 0.0
        found.append(
            {
                "band": band.value,
                "count": counts[band],
                "link": asked.link(band=band),
                "current": asked.band is band,
                "start": round(start, 3),
                "width": round(width, 3),
            }
        )
        start += width
    return found


def segment_links(segments: Sequence[Segment], asked: Asked) -> list[dict[str, Any]]:
    """The segments, each a link that filters by it; none where there is nothing to choose."""
    if len(segments) < 2 and not asked.segment:
        return []
    every = {"name": "", "label": "All segments", "count": None}
    found = [every] + [
        {"name": one.name, "label": label(one.label), "count": one.customers} for one in segments
    ]
    if asked.segment and asked.segment not in [one.name for one in segments]:
        found.append({"name": asked.segment, "label": label(asked.segment), "count": 0})
    return [
        {**one, "link": asked.link(segment=one["name"]), "current": one["name"] == asked.segment}
        for one in found
    ]
