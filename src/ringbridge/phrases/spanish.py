"""Spanish."""

from ringbridge.phrases.base import Phrases

__all__ = ["SPANISH"]

SPANISH = Phrases(
    code="es",
    language="es-ES",
    one_moment="Espere un momento, por favor.",
    still_here="Sigo aquí.",
    time_nearly_up="Esta llamada tiene que terminar pronto.",
    sorry="Lo siento, tenemos un problema técnico.",
    connecting="Le paso con una persona.",
    leave_message="Deje un mensaje después de la señal y cuelgue al terminar.",
    message_kept="Gracias, su mensaje ha quedado grabado. Adiós.",
    lines_busy="Lo siento, todas las líneas están ocupadas. Por favor, llame más tarde. Adiós.",
    called_too_often="Lo siento, ha llamado demasiadas veces. Por favor, inténtelo más tarde. Adiós.",
    closed="Gracias por llamar. Ahora estamos cerrados. Por favor, llame en el horario de atención. Adiós.",
    not_accepted="Lo siento, este número no acepta su llamada. Adiós.",
    goodbye="En este momento no hay nadie disponible. Por favor, llame más tarde. Adiós.",
    farewell="Gracias por su llamada. ¡Hasta luego!",
    farewell_silent="Sigo sin oírle, así que voy a colgar. Llámenos cuando quiera. Adiós.",
    model_failed="Perdone, he tenido un problema. ¿Podría repetirlo?",
    too_slow="Perdone, esto está tardando demasiado. ¿Podría preguntármelo otra vez?",
    declined="Lo siento, de eso no puedo hablar. ¿Puedo ayudarle en algo más?",
    budget_spent="Lo siento, tengo que terminar la llamada. Vuelva a llamar si necesita algo más. Adiós.",
    tool_failed="Lo siento, eso no ha funcionado ahora.",
    ask_again=(
        "Perdone, no le he entendido. ¿Podría repetirlo?",
        "¿Podría decirlo de otra manera?",
    ),
    still_there=(
        "¿Sigue usted ahí?",
        "No le oigo. ¿Puedo ayudarle en algo?",
    ),
    fillers=(
        "Un momento, por favor.",
        "Déjeme ver.",
        "Lo estoy mirando.",
        "Un segundo, por favor.",
        "Ahora mismo lo miro.",
        "Sigo en ello.",
    ),
)
