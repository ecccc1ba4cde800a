"""The words of the house: values that every other room speaks in. No I/O, no threads, no logging."""
