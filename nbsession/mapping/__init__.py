"""How a class meets a table. Knows schema and object states; knows no database and runs no SQL."""
