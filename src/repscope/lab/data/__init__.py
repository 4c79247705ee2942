"""Training images: where they are found, and how they come to lie decoded in memory or in a mapped file."""

from repscope.lab.data.found import Splits, found
from repscope.lab.data.read import read
from repscope.lab.data.training_set import TrainingSet, classes_of, dealt

__all__ = ["Splits", "TrainingSet", "classes_of", "dealt", "found", "read"]
