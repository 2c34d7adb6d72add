"""The floor on its way to whoever follows it: full first, then patches, nobody waited for."""
