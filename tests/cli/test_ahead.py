"""What is imported ahead is there when it is asked for, and hurts nobody."""

import subprocess
import sys

SCRIPT = """
import sys, threading
from repscope.cli._ahead import ahead
class Coming:
    def start(self):
        return self
    def result(self):
        assert "colorsys" not in sys.modules
        {trouble}
ahead("colorsys", "no.such.module", "wave", after=Coming())
for thread in threading.enumerate():
    if thread.name == "ahead":
        thread.join()
print("colorsys" in sys.modules, "wave" in sys.modules)
"""


def test_what_cannot_be_imported_keeps_nobody_from_the_rest():
    for trouble in ("", "raise OSError('no weights')"):
        done = subprocess.run([sys.executable, "-c", SCRIPT.format(trouble=trouble)], capture_output=True, text=True)
        assert done.stdout == "True True\n", done.stderr
        assert done.stderr == ""
