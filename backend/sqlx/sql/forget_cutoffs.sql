DELETE FROM {cutoff} WHERE cutoff < ?
