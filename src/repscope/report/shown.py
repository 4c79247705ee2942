"""Shown: how a report and its blocks show themselves: as text when printed, as on the page in a notebook."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from repscope.report.report import Report


class Shown:
    """Something that faces can show by itself."""

    __slots__ = ()

    def as_report(self) -> "Report":
        """What is shown: a report with nothing but this in it."""
        from repscope.report.report import Report

        return Report("", (self,))  # type: ignore[arg-type]  # every block is one of these

    def __str__(self) -> str:
        from repscope.render.text import text

        return text(self.as_report()).strip("\n")

    def _repr_html_(self) -> str:
        from repscope.render.html import fragment

        return fragment(self.as_report())

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        """Both, for IPython: its terminal shows the text, a notebook the page."""
        return {"text/plain": str(self), "text/html": self._repr_html_()}
