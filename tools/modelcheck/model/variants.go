package model

// Variants are all variants: those that are wrong on purpose, and then the protocol in various worlds.
func Variants() []Variant { return append(wrong(), right()...) }
