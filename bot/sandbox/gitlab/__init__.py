"""The sandbox forge with GitLab's face: its REST API v4, its webhooks, its words.

It never holds what both faces share: accounts, repositories, pulls and git are one level up.
"""
