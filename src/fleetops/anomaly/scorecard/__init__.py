"""How good a rule set is: faults put in from a seed, what it made of them, and what it raises where there is none."""
