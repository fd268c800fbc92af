"""What ``benchmarks/gpu.py`` runs: the machine with its clock, the checks, the timings."""
