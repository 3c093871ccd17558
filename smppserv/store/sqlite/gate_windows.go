package sqlite

import "os"

// writeNothing is not needed: there is no gate.
func writeNothing(*os.File) {}
