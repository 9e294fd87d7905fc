"""What is written for people: cards, pages, numbers, and what a home remembers of its runs."""
