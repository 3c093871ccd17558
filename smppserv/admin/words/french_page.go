package words

// frenchPage are headings, labels and buttons.
var frenchPage = map[string]string{
	"Overview": "Vue d'ensemble", "Clients": "Clients", "Client": "Client", "Client %s": "Client %s", "Messages": "Messages", "Message": "Message", "Message %s": "Message %s", "Try it": "Essayer", "Reports": "Rapports", "Log": "Journal",
	"Audit": "Audit", "Settings": "Paramètres", "Nodes": "Nœuds", "Node": "Nœud", "Pages": "Pages", "Menu": "Menu", "Language": "Langue", "Skip to the content": "Aller au contenu",
	"Message id, number or client": "Message, numéro ou client", "Id, number, client": "Id, numéro, client", "Use dark colours": "Couleurs sombres", "Use light colours": "Couleurs claires", "Use the system's colours": "Couleurs du système",
	"Sign in": "Connexion", "Sign out": "Déconnexion", "Signed in as %s": "Connecté en tant que %s", "Name": "Nom", "Password": "Mot de passe",
	"up for %s": "en service depuis %s", "Metrics": "Métriques", "Health": "Santé", "Please confirm": "Confirmation", "How the server stands": "État du serveur",
	"Not live since %s": "Plus en direct depuis %s", "Live": "En direct", "%s new: show": "%s nouveaux : afficher", "Copied": "Copié",
	"Needs attention": "À traiter", "Look": "Voir", "Nothing needs attention. Messages go through.": "Rien à traiter. Les messages passent.", "Now": "Maintenant",
	"Submitted": "Soumis", "Delivered": "Remis", "Failed": "Échecs", "Waiting": "En attente", "the oldest %s": "le plus ancien %s", "%d, the oldest %s": "%d, le plus ancien %s",
	"Traffic": "Trafic", "Time shown": "Durée affichée", "1 hour": "1 heure", "24 hours": "24 heures", "30 days": "30 jours", "As a table": "En tableau", "Time": "Heure",
	"What became of the messages": "Ce que sont devenus les messages", "What waits": "Ce qui attend", "How long a push to Hermès takes": "Durée d'un envoi à Hermès",
	"What waits, and why": "Ce qui attend, et pourquoi", "For": "Pour", "Because": "Parce que", "Today": "Aujourd'hui", "Nothing waits.": "Rien n'attend.",
	"%d text": "%d texte|%d textes", "%d receipt": "%d accusé|%d accusés", "next try at %s": "prochain essai à %s", "next try at %s (in %s)": "prochain essai à %s (dans %s)", "the next try is due": "le prochain essai est imminent",
	"since %s": "depuis %s", "since %s (%s)": "depuis %s (%s)", "since %s, by %s": "depuis %s, par %s",

	"%d of %d is bound": "%d sur %d est connecté|%d sur %d sont connectés", "State": "État", "Sessions": "Sessions", "In today": "Entrés ce jour", "Out today": "Sortis ce jour", "Failed today": "Échecs ce jour", "Rate now": "Débit actuel", "%d/s": "%d/s",
	"Actions": "Actions", "Pause": "Mettre en pause", "Resume": "Reprendre", "Unbind…": "Déconnecter…", "Unbind": "Déconnecter", "Trace": "Tracer", "Stop the trace": "Arrêter la trace",
	"Download for Wireshark, texts masked": "Télécharger pour Wireshark, textes masqués", "with texts": "avec les textes", "Session": "Session", "From where": "D'où", "In flight": "En vol", "heard %s ago": "entendu il y a %s",
	"%d refused": "%d refusé|%d refusés", "last error: %s": "dernière erreur : %s", "It is not bound.": "Il n'est pas connecté.", "At a glance": "En bref", "Waiting for it": "En attente pour lui", "%s in, %s out, %s failed": "%s entrés, %s sortis, %s en échec",
	"of at most %d/s": "sur %d/s au plus", "Numbers": "Numéros", "Last bind": "Dernière connexion", "Last refusal": "Dernier refus", "What happened lately": "Derniers événements", "Nothing since the server started.": "Rien depuis le démarrage du serveur.",
	"Hand over what waits": "Transfert de ce qui attend", "Hand over…": "Transférer…", "Hand over": "Transférer", "Unbind session %s": "Déconnecter la session %s",
	"Since": "Depuis", "Version": "Version", "%d worker shares the store": "%d processus utilise la base|%d processus partagent la base",

	"As CSV": "En CSV", "Number": "Numéro", "Campaign": "Campagne", "Direction": "Sens", "Kind": "Genre", "Accepted from": "Accepté du", "Search": "Rechercher", "Clear": "Effacer", "Accepted": "Accepté", "From": "De", "To": "À", "Tries": "Essais",
	"Show all": "Tout afficher", "Older messages": "Messages plus anciens", "Search on": "Continuer la recherche", "Searched back to %s so far.": "Recherche faite jusqu'au %s pour l'instant.", "part %s": "partie %s", "for %s": "depuis %s", "about %s": "sur %s", "about message %s": "sur le message %s",
	"after %d try in %s": "après %d essai en %s|après %d essais en %s", "Try now": "Réessayer maintenant", "Send again": "Renvoyer", "Cancel…": "Annuler…", "Copy link": "Copier le lien", "What happened to it": "Ce qui lui est arrivé", "What it is": "Ce que c'est",
	"Submitter": "Émetteur", "Recipient": "Destinataire", "Valid until": "Valable jusqu'à", "Final": "Fin", "Its submitter knows it as": "Connu de son émetteur comme", "Hermès' own id": "Identifiant de Hermès", "Size": "Taille", "%d octet": "%d octet|%d octets",
	"Receipts": "Accusés", "The other parts": "Les autres parties", "Fields of the PDU that it came in": "Champs du PDU reçu", "Field": "Champ", "Value": "Valeur", "Means": "Sens", "Nothing yet.": "Rien encore.", "Text": "Texte", "Show": "Afficher", "Reason": "Raison",

	"A customer of %s": "Un abonné de %s", "Its customer's number": "Numéro de l'abonné", "Use these": "Utiliser", "What the customer sees": "Ce que voit l'abonné", "What the customer writes": "Ce qu'écrit l'abonné", "Write to %s": "Écrire à %s", "Send": "Envoyer",
	"An agent (stand-in for Hermès)": "Un agent (remplaçant de Hermès)", "An agent of Hermès": "Un agent de Hermès", "What the agent sees": "Ce que voit l'agent", "What the agent answers": "Ce que répond l'agent", "Answer %s": "Répondre à %s",
	"All messages of this number": "Tous les messages de ce numéro", "Text hidden": "Texte masqué", "Open": "Ouvrir",

	"from %s to %s": "du %s au %s", "By": "Par", "Period": "Période", "when by number": "si par numéro", "Received": "Reçus", "To Hermès": "Vers Hermès", "To clients": "Vers les clients", "Parts": "Parties", "Median": "Médiane", "Total": "Total",
	"Cancelled": "Annulés", "Median (ms)": "Médiane (ms)", "99 % (ms)": "99 % (ms)", "Reasons of failure": "Raisons d'échec", "without a campaign": "sans campagne",

	"the last lines, the newest at the end": "les dernières lignes, les plus récentes à la fin", "From this level on": "À partir du niveau", "Contains": "Contient", "Filter": "Filtrer", "Hold": "Suspendre", "Go on": "Continuer",
	"who did what, newest first": "qui a fait quoi, le plus récent d'abord", "When": "Quand", "Who": "Qui", "What": "Quoi", "On what": "Sur quoi", "Older entries": "Entrées plus anciennes",
	"taken up at %s": "prise en compte à %s", "%d key waits for a restart:": "%d clé attend un redémarrage :|%d clés attendent un redémarrage :", "Nothing waits for a restart.": "Rien n'attend de redémarrage.", "Key or value contains": "Clé ou valeur contenant",
	"At the top": "En tête", "Key": "Clé", "Value in effect": "Valeur en vigueur", "A change takes": "Un changement prend", "after a restart:": "après un redémarrage :", "Send a test alert": "Envoyer une alerte d'essai",
}
