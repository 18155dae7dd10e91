"""Database migrations, checked and carried by five agents."""

__version__ = "0.1.0"
