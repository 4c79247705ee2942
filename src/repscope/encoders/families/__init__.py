"""Families: one file each; whose checkpoints can be read, and which are known by name."""

from repscope.catalogue import Catalogue
from repscope.encoders.family import Family

catalogue: Catalogue[Family] = Catalogue("family", __name__)
