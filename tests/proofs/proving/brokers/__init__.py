"""Real brokers of several makers, what each of them can do, and the page that says so."""
