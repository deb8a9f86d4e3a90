"""German."""

from ringbridge.phrases.base import Phrases

__all__ = ["GERMAN"]

GERMAN = Phrases(
    code="de",
    language="de-DE",
    one_moment="Bitte bleiben Sie einen Moment dran.",
    still_here="Ich bin noch da.",
    time_nearly_up="Dieses Gespräch muss leider bald enden.",
    sorry="Es tut mir leid, wir haben gerade ein technisches Problem.",
    connecting="Ich verbinde Sie jetzt mit einem Menschen.",
    leave_message="Bitte sprechen Sie nach dem Ton, und legen Sie danach auf.",
    message_kept="Vielen Dank, Ihre Nachricht ist aufgezeichnet. Auf Wiederhören.",
    lines_busy="Es tut mir leid, alle Leitungen sind belegt. Bitte rufen Sie später wieder an. Auf Wiederhören.",
    called_too_often="Sie haben zu oft angerufen. Bitte versuchen Sie es später wieder. Auf Wiederhören.",
    closed="Wir haben gerade geschlossen. Bitte rufen Sie zu den Öffnungszeiten an. Auf Wiederhören.",
    not_accepted="Es tut mir leid, diese Nummer nimmt Ihren Anruf nicht an. Auf Wiederhören.",
    goodbye="Im Moment ist niemand erreichbar. Bitte rufen Sie später wieder an. Auf Wiederhören.",
    farewell="Vielen Dank für Ihren Anruf. Auf Wiederhören!",
    farewell_silent="Ich kann Sie leider immer noch nicht hören und lege jetzt auf. Rufen Sie gern wieder an. Auf "
    "Wiederhören.",
    model_failed="Entschuldigung, da ist etwas schiefgegangen. Könnten Sie das noch einmal sagen?",
    too_slow="Entschuldigung, das dauert gerade zu lange. Könnten Sie mich noch einmal fragen?",
    declined="Es tut mir leid, darüber kann ich nicht sprechen. Kann ich Ihnen sonst noch helfen?",
    budget_spent="Es tut mir leid, ich muss das Gespräch jetzt beenden. Rufen Sie bitte wieder an, wenn noch etwas ist."
    " Auf Wiederhören.",
    tool_failed="Es tut mir leid, das hat gerade nicht geklappt.",
    ask_again=(
        "Entschuldigung, das habe ich nicht verstanden. Könnten Sie es noch einmal sagen?",
        "Könnten Sie das anders ausdrücken?",
    ),
    still_there=(
        "Sind Sie noch da?",
        "Ich kann Sie nicht hören. Kann ich Ihnen noch bei etwas helfen?",
    ),
    fillers=(
        "Einen Moment, bitte.",
        "Ich sehe nach.",
        "Ich schaue gerade nach.",
        "Einen kleinen Augenblick noch.",
        "Moment, ich hab's gleich.",
        "Ich bin noch dabei.",
    ),
)
