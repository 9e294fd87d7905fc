"""A short second training that brings the moments of a student's samples to those of its pairs."""
