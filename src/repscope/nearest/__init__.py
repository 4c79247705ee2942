"""Nearest: the rows of a bank that are most like a query; exact, at the speed of quick products.

Quick products propose candidates, a bound on their error proves that no other row can be among the
nearest, and float64 decides between the candidates. What cannot be proved is searched in float64.

`nearest` is by cosine; `nearest_distances` and `nearest_products` are what measures of distances and of
inner products are made of; `precision_at` says what neighbours are worth.
"""

from repscope.nearest.by_cosine import Nearest, nearest, unit
from repscope.nearest.by_distance import nearest_distances
from repscope.nearest.by_product import nearest_products
from repscope.nearest.identical import first_of_each
from repscope.nearest.precision import precision_at

__all__ = ["Nearest", "first_of_each", "nearest", "nearest_distances", "nearest_products", "precision_at", "unit"]
