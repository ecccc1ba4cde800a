"""What the proofs share: recorders, workloads and the judge."""
