"""The pages: each is a GraphQL document in `queries/` beside a template in `templates/`, run in-process against the
schema with the reader's own rights. What a page shows or does, any client of the API can."""
