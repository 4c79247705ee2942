"""Terminal screen: the reports of compare and inspect, and a probe to move over the photo; shows, computes nothing."""
