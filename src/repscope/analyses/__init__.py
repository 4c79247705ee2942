"""Analyses: one file per question; photos and encoders in, a `Report` out."""

from collections.abc import Callable

from repscope.catalogue import Catalogue
from repscope.report import Report

catalogue: Catalogue[Callable[..., Report]] = Catalogue("analysis", __name__)
