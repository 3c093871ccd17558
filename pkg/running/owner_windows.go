package running

// giveToOwner leaves it to the rights of the folder.
func giveToOwner(string, string) {}
