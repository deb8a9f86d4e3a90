"""Spanish."""

from ringbridge.phrases.base import Phrases

__all__ = ["SPANISH"]

SPANISH = Phrases(
    code="es",
    language="es-ES",
    sorry="Lo siento, tenemos un problema técnico.",
    goodbye="Lo siento, en este momento no hay nadie disponible. Por favor, llame más tarde. Adiós.",
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
