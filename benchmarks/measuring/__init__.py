"""How the benchmarks measure: documents and chains, ratios of CPU time, bars, the chart. No benchmark itself is in here."""
