// Package diskspace tells how much room there is on the disk of a file.
package diskspace
