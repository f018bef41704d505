"""The driver of the gateway benchmark; `benches/load/run` is its door."""
