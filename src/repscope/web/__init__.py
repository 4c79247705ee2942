"""Web: the page that `repscope serve` shows on this machine: choose photos and encoders, ask, and see the report."""
