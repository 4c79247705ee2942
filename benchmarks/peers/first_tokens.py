"""First tokens: a fresh process, one encoder, one photo; what it takes is timed from outside."""

import sys

import repscope
from repscope.images import gather
from repscope.images.samples import samples

encoder = repscope.load(sys.argv[1])
photos, _ = gather([str(samples()[0])])
assert encoder(photos)[0].patches.size
