"""The Subject protocol and one adapter file per runtime."""
