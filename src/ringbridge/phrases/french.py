"""French."""

from ringbridge.phrases.base import Phrases

__all__ = ["FRENCH"]

FRENCH = Phrases(
    code="fr",
    language="fr-FR",
    one_moment="Veuillez patienter un instant.",
    still_here="Je suis toujours là.",
    time_nearly_up="Cet appel doit bientôt se terminer.",
    sorry="Je suis désolé, nous avons un problème technique.",
    connecting="Je vous mets en relation avec une personne.",
    leave_message="Laissez un message après le signal sonore, puis raccrochez.",
    message_kept="Merci, votre message est enregistré. Au revoir.",
    lines_busy="Je suis désolé, toutes les lignes sont occupées. Veuillez rappeler plus tard. Au revoir.",
    called_too_often="Je suis désolé, vous avez appelé trop souvent. Veuillez réessayer plus tard. Au revoir.",
    closed="Merci de votre appel. Nous sommes fermés. Veuillez rappeler aux heures d'ouverture. Au revoir.",
    not_accepted="Je suis désolé, ce numéro ne prend pas votre appel. Au revoir.",
    goodbye="Personne n'est disponible pour le moment. Veuillez rappeler plus tard. Au revoir.",
    farewell="Merci de votre appel. Au revoir !",
    farewell_silent="Je ne vous entends toujours pas, je vais donc raccrocher. Rappelez quand vous voudrez. Au revoir.",
    model_failed="Excusez-moi, j'ai eu un problème. Pourriez-vous répéter ?",
    too_slow="Excusez-moi, cela prend trop de temps. Pourriez-vous me le redemander ?",
    declined="Je suis désolé, je ne peux pas parler de cela. Puis-je vous aider pour autre chose ?",
    budget_spent="Je suis désolé, je dois mettre fin à cet appel. N'hésitez pas à rappeler. Au revoir.",
    tool_failed="Je suis désolé, cela n'a pas marché.",
    ask_again=(
        "Excusez-moi, je n'ai pas compris. Pourriez-vous répéter ?",
        "Pourriez-vous le dire autrement ?",
    ),
    still_there=(
        "Êtes-vous toujours là ?",
        "Je ne vous entends pas. Puis-je vous aider ?",
    ),
    fillers=(
        "Un instant, s'il vous plaît.",
        "Voyons voir.",
        "Je regarde tout de suite.",
        "Encore une petite seconde.",
        "Un petit moment.",
        "Je m'en occupe.",
    ),
)
