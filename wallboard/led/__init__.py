"""LED chains: a board as short pages, drawn dot by dot."""
