"""Solvers of dx/dt = v(x, t): Runge-Kutta rules as checked tables, and adaptive steps."""
