SELECT secret FROM {keys} WHERE name = ?
