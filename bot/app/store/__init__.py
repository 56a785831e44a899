"""What outlives the process: deliveries, jobs, who is at work, and what was done: one database."""
