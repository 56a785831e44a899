"""relbot: a release-management bot for PyTorch projects on GitHub and GitLab."""

__version__ = "0.1.0"
