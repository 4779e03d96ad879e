"""The benchmark's harness: runs Fairlead and its peers in turn, and writes down how they compare.

scripts/bench.sh starts it. It needs nothing beyond Python; the load generator, the target and the peers are programs of
their own (tests/bench). What it measures, and what that is worth, is in docs/performance.md.
"""
