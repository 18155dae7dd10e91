"""The report of a run: the verdict by fixed rules, the record that programs read, and the page that people read."""
