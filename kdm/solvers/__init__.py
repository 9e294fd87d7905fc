"""Solvers of ordinary differential equations: Runge-Kutta rules as checked tables of coefficients."""
