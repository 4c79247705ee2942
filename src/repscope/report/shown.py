"""Shown: what every block can do by itself."""


class Shown:
    """A block: in a notebook it shows itself, as on the page."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        from repscope.render.html import alone

        return alone(self)
