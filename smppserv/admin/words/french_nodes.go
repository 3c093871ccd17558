package words

// frenchNodes is what is said where several workers share the store.
var frenchNodes = map[string]string{
	"Node that holds it":             "Nœud qui le détient",
	"How it stands":                  "État",
	"Lease renewed":                  "Bail renouvelé",
	"leader":                         "meneur",
	"epoch %s":                       "époque %s",
	"at %s":                          "sur %s",
	"%d at %s":                       "%d sur %s",
	"%s ago":                         "il y a %s",
	"on %s: %s":                      "sur %s : %s",
	"config.toml is not as here: %s": "config.toml n'est pas le même qu'ici : %s",
	"Another node does not answer":   "Un autre nœud ne répond pas",
	"See Nodes. When it answers, or another one has taken over what it holds, try again.": "Voyez Nœuds. Quand il répond, ou qu'un autre a repris ce qu'il détient, réessayez.",

	"the node %s does not answer: what it alone knows is left out":                          "le nœud %s ne répond pas : ce qu'il est seul à savoir manque ici",
	"a node has ended, and another one takes over what it held: that is left out":           "un nœud s'est arrêté, et un autre reprend ce qu'il détenait : cela manque ici",
	"the node %s could not be asked, and what it alone knows is left out: %s":               "le nœud %s n'a pas pu être interrogé, et ce qu'il est seul à savoir manque ici : %s",
	"it does not answer; sessions and what waits are as it said last":                       "il ne répond pas ; sessions et messages en attente sont ceux qu'il a annoncés en dernier",
	"of the node %s, %d recipients with less that waits are left out":                       "du nœud %s, %d destinataire qui a moins en attente n'est pas montré|du nœud %s, %d destinataires qui ont moins en attente ne sont pas montrés",
	"%d more of the node %s are left out: ask that node for them":                           "%d autre du nœud %s n'est pas montré : demandez à ce nœud|%d autres du nœud %s ne sont pas montrés : demandez à ce nœud",
	"the node %s holds it, and does not answer: why it waits, and until when, is not known": "le nœud %s le détient et ne répond pas : on ne sait ni pourquoi il attend, ni jusqu'à quand",
	"the node that held it has ended: another one is taking it over":                        "le nœud qui le détenait s'est arrêté : un autre est en train de le reprendre",
	"%s; not yet on %s, which did not answer, and takes it up when it does":                 "%s ; pas encore sur %s, qui n'a pas répondu et s'y conformera dès qu'il répond",
	"%s; but not on %s, which did not answer: do it again when it does":                     "%s ; mais pas sur %s, qui n'a pas répondu : recommencez quand il répond",
	"not bound: the node that it had bound to at %s ended without a word to the client":     "déconnecté : le nœud auquel il s'était connecté à %s s'est arrêté sans rien dire au client",
	"nothing is tried while the lease is not held":                                          "rien n'est tenté tant que le bail n'est pas détenu",

	"the lease is not held: nothing is accepted and nothing delivered here until the database renews it":                                       "le bail n'est pas détenu : ici rien n'est accepté ni remis tant que la base ne le renouvelle pas",
	"see whether the database answers, and this machine's way to it; the node goes on by itself, and meanwhile others take over what it holds": "vérifiez que la base répond et que cette machine l'atteint ; le nœud reprend de soi-même, et d'ici là les autres reprennent ce qu'il détient",
	"the node %s has not renewed its lease for %s":                                                                    "le nœud %s n'a pas renouvelé son bail depuis %s",
	"see whether its machine runs and reaches the database; what it holds is taken over when its lease of %s is over": "vérifiez que sa machine tourne et atteint la base ; ce qu'il détient est repris à la fin de son bail de %s",
	"config.toml of the node %s is not as here: %s":                                                                   "le config.toml du nœud %s n'est pas le même qu'ici : %s",
	"have all nodes say the same there, else a message fares otherwise on each":                                       "donnez à tous les nœuds les mêmes valeurs, sinon un message n'a pas le même sort sur chacun",
	"the node %s ended without a word at %s; the others have taken over what it held":                                 "le nœud %s s'est arrêté sans un mot à %s ; les autres ont repris ce qu'il détenait",
	"start it again, or see to its machine; if it is not to come back, this line goes after a day":                    "redémarrez-le, ou voyez sa machine ; s'il ne doit pas revenir, cette ligne disparaît après un jour",
}
