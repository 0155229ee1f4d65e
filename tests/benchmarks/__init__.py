"""The judgement inside the benchmarks: what counts as a stall, and which log lines are complaints."""
