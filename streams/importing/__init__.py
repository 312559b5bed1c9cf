"""From rows to events: mapping files, conversions, the run, and where the events go."""
