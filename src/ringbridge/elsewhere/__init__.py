"""Brains in processes of their own, where their blocking work keeps no call's audio waiting."""
