"""Pure decisions: which reading is news. Time is an argument; nothing here does I/O."""
