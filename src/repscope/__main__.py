"""python -m repscope"""

from repscope.cli import main

main()
