"""What makes a release: its gates, its candidates and finals, and what is shown of a line meanwhile."""
