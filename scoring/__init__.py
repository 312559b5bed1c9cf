"""The core: values in, values out. `now` is always an argument."""
