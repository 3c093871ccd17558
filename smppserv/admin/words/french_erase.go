package words

// frenchErase is what is said where a person's number is erased.
var frenchErase = map[string]string{
	"Erase a person's number": "Effacer le numéro d'une personne",
	"Erase":                   "Effacer",
	"All messages from and to this number go, in whatever state; what waits is cancelled first.":                                        "Tous les messages de ce numéro et vers lui disparaissent, quel que soit leur état ; ce qui attend est d'abord annulé.",
	"Lines of the log files that hold it go too, and what was recorded of clients with it. Counters stay.":                              "Les lignes des journaux qui le contiennent disparaissent aussi, ainsi que ce qui a été enregistré des clients avec lui. Les compteurs restent.",
	"The audit keeps who did it and when, and no more of the number than a short sum of its digits. This cannot be taken back.":         "L'audit garde qui l'a fait et quand, et du numéro seulement une courte somme de ses chiffres. C'est irréversible.",
	"no message holds the number any more; ask again, since %s":                                                                         "plus aucun message ne contient le numéro ; demandez encore, car %s",
	"%d messages are erased, and there are more: ask again, and it goes on":                                                             "%d message est effacé, et il y en a d'autres : demandez encore, et cela continue|%d messages sont effacés, et il y en a d'autres : demandez encore, et cela continue",
	"%d messages are erased; %d others are being tried at this moment: ask again":                                                       "%d message est effacé ; %d autres sont à l'essai en ce moment : demandez encore|%d messages sont effacés ; %d autres sont à l'essai en ce moment : demandez encore",
	"%d messages are erased; the node %s holds others, and does not answer: ask again when it does, or when another one has taken over": "%d message est effacé ; le nœud %s en détient d'autres et ne répond pas : demandez encore quand il répondra, ou quand un autre aura pris le relais|%d messages sont effacés ; le nœud %s en détient d'autres et ne répond pas : demandez encore quand il répondra, ou quand un autre aura pris le relais",
	"the number is erased: %d messages, %d lines of logs":                                                                               "le numéro est effacé : %d message, %d lignes de journaux|le numéro est effacé : %d messages, %d lignes de journaux",
	"not all was done at %s: %s":                                "tout n'a pas été fait sur %s : %s",
	"the node %s does not answer: its logs may hold the number": "le nœud %s ne répond pas : ses journaux contiennent peut-être le numéro",
	"log files are still being written anew":                    "des journaux sont encore en cours de réécriture",
}
