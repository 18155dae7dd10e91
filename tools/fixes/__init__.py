"""Safe rewrites of migrations: arranged in files, tried in the sandbox beside the original, offered when proven."""
