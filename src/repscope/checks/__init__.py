"""Checks: what can be found out about an encoder, here and now; one file per check."""

from repscope.catalogue import Catalogue
from repscope.checks._check import Check, Finding, Verdict
from repscope.checks._subject import Subject

__all__ = ["Check", "Finding", "Subject", "Verdict", "catalogue"]

catalogue: Catalogue[Check] = Catalogue("check", "repscope.checks")
ORDER = ("files", "layout", "preprocessing", "published", "parity", "alive", "precision")
"""As they are asked: what needs no weights first, so that a damaged file is told before it is run."""
