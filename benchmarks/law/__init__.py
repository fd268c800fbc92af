"""Measurements behind docs/solvers.md: solvers against laws that are known exactly."""
