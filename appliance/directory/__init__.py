"""What fills the directory from a file: tables of customers and lists of numbers as people's programs write them."""
