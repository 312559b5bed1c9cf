"""How people see points: on which scale, with how many decimals.

Nothing is reckoned differently. A score of 8000 hundredths is 80 on 0-100, 8.0 on
0-10 and 80 % as a percentage; on the scale of letters it is its letter. Scores are
rounded down, never up: 49.99 is red because it is below 50, and must not read 50.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from schemas.scores import ShownAs

__all__ = ["Scale", "scale_of"]

_MINUS = "−"
#: How many decimals a hundredth of a point has on each scale, and what stands behind a score.
_PLACES = {"0-100": 2, "0-10": 3, "percent": 2, "letter": 2}
_SIGNS = {"percent": " %"}
_WHOLES = {"0-10": "10", "percent": "100 %"}


@dataclass(frozen=True, slots=True)
class Scale:
    """A card's ``shown_as``. ``decimals`` are those of a score; its lines have one at least."""

    name: str = "0-100"
    decimals: int = 0
    lead_with: str = "colour"

    @property
    def whole(self) -> str:
        """The most that there can be, as people see it: 100, 10 or 100 %."""
        return _WHOLES.get(self.name, "100")

    @property
    def line_decimals(self) -> int:
        """The decimals of lines, which are added up."""
        return max(self.decimals, 1)

    def score(self, hundredths: int | None, letter: str | None = None) -> str:
        """A score, rounded down; a dash where there is none."""
        if hundredths is None:
            return "–"
        if self.name == "letter" and letter is not None:
            return letter
        return self._number(self._cut(hundredths, self.decimals), self.decimals)

    def exact(self, hundredths: int | None) -> str:
        """A score or a part of it, to the hundredth of a point."""
        if hundredths is None:
            return "no score"
        return self._number(hundredths, _PLACES[self.name])

    def change(self, hundredths: int) -> str:
        """What a change did: signed, rounded towards zero, ``<1`` for less than is shown."""
        cut = self._cut(abs(hundredths), self.decimals)
        sign = "+" if hundredths > 0 else _MINUS if hundredths < 0 else ""
        return sign + (self._bare(cut, self.decimals) if cut or not hundredths else self._least())

    def lines(self, hundredths: Sequence[int]) -> list[int]:
        """Lines in units of their last decimal, rounded so that they add up to what is shown.

        Each is off by less than one unit. What rounding down leaves over goes to the
        lines that lost the most by it, the earlier first.
        """
        size = 10 ** (_PLACES[self.name] - self.line_decimals)
        cut = [line // size for line in hundredths]
        left = self._cut(sum(hundredths), self.line_decimals) - sum(cut)
        by_loss = sorted(range(len(cut)), key=lambda index: (-(hundredths[index] % size), index))
        for index in by_loss[:left]:
            cut[index] += 1
        return cut

    def line(self, units: int, *, plus: bool = True) -> str:
        """A line in the units of :meth:`lines`, signed."""
        sign = "+" if plus and units > 0 else ""
        return sign + self._bare(units, self.line_decimals)

    def total(self, hundredths: int, *, plus: bool = False) -> str:
        """The sum of lines, with their decimals."""
        return self.line(self._cut(hundredths, self.line_decimals), plus=plus)

    def most(self, weight_ppm: int) -> str:
        """The most that a part of this weight can give: 4.5 of 100, 0.45 of 10."""
        return f"{weight_ppm // 1000 / 10 ** (_PLACES[self.name] - 1):g}"

    def moved(self, hundredths: int, decimals: int | None = None) -> str:
        """What moved, rounded to the nearest, in plain characters: ``-0.9``, ``+11``, ``0``."""
        decimals = self.line_decimals if decimals is None else decimals
        size = 10 ** (_PLACES[self.name] - decimals)
        units = (abs(hundredths) + size // 2) // size
        sign = "" if not units else "-" if hundredths < 0 else "+"
        return sign + self._bare(units, decimals)

    def _cut(self, hundredths: int, decimals: int) -> int:
        """In units of the last decimal, rounded towards zero."""
        size: int = 10 ** (_PLACES[self.name] - decimals)
        cut = abs(hundredths) // size
        return -cut if hundredths < 0 else cut

    def _least(self) -> str:
        return "<" + self._bare(1, self.decimals)

    def _number(self, units: int, decimals: int) -> str:
        return self._bare(units, decimals) + _SIGNS.get(self.name, "")

    @staticmethod
    def _bare(units: int, decimals: int) -> str:
        sign = _MINUS if units < 0 else ""
        one = 10**decimals
        tail = f".{abs(units) % one:0{decimals}d}" if decimals else ""
        return f"{sign}{abs(units) // one}{tail}"


def scale_of(shown: ShownAs) -> Scale:
    """The scale that a score came with."""
    return Scale(shown.scale, shown.decimals, shown.lead_with)
