"""What breaks in notebooks, reproduced in real kernels: one test or more for each hazard, N1 to N16, and its cure."""
