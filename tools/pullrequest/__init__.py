"""Pull requests: what a branch changes in the migrations, one comment about it, and the service that shows it."""
