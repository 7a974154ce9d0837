//go:build !mattn

package itest

var mattnTargets []target
