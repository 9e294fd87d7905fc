"""What `import kdm` offers (docs/python.md): pairs, teachers, students and numbers as Python objects."""
