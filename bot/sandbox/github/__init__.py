"""The sandbox forge with GitHub's face: its REST API, its webhooks, its words.

It never holds what both faces share: accounts, repositories, pulls and git are one level up.
"""
