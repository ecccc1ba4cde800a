"""Telegraf between a broker and a database, with the settings of docs/recipes.md."""
