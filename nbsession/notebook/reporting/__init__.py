"""From live objects to plain data: cards, plans, reasons, comparisons. Looks; loads, flushes and begins nothing."""
