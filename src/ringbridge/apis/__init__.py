"""The vendors' REST APIs, through their own SDKs."""
