"""Monitor: is this run learning or collapsing? Readings of held-out images while any encoder trains.

Three lines in any torch training loop:

    monitor = Monitor(images, labels=labels, every=100)
    ...
    observation = monitor(model, step)  # None where it is not this step's turn
    if observation and observation.collapse: ...
"""

from repscope.monitor.callback import MonitorCallback
from repscope.monitor.collapse import Collapse
from repscope.monitor.monitor import Monitor
from repscope.monitor.neighbours import Votes
from repscope.monitor.observation import Observation

__all__ = ["Collapse", "Monitor", "MonitorCallback", "Observation", "Votes"]
