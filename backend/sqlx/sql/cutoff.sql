SELECT cutoff FROM {cutoff} WHERE user_id = ?{primary}
