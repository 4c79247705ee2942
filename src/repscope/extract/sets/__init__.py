"""Sets: many images under encoders, in shards, on one machine or many."""
