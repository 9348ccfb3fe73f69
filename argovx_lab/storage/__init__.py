"""Cloud Storage through its JSON API: objects with preconditions, generations and checked bytes."""
