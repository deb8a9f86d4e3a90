"""English."""

from ringbridge.phrases.base import Phrases

__all__ = ["ENGLISH"]

ENGLISH = Phrases(
    code="en",
    language="en-US",
    sorry="I'm sorry, we're having a technical problem.",
    goodbye="I'm sorry, nobody is available right now. Please call again later. Goodbye.",
    farewell="Thank you for calling. Goodbye!",
    farewell_silent="I still can't hear you, so I'll hang up now. Please call again any time. Goodbye.",
    model_failed="I'm sorry, I ran into a problem. Could you say that again?",
    too_slow="I'm sorry, that is taking too long. Could you ask me again?",
    declined="I'm sorry, I can't talk about that. Can I help you with something else?",
    budget_spent="I'm sorry, I have to end this call now. Please call again if there is anything else. Goodbye.",
    tool_failed="I'm sorry, that didn't work just now.",
    ask_again=(
        "Sorry, I didn't catch that. Could you say it again?",
        "Could you put that another way?",
    ),
    still_there=(
        "Are you still there?",
        "I can't hear you. Is there anything I can help with?",
    ),
    fillers=(
        "One moment, please.",
        "Let me see.",
        "I'm just looking into that.",
        "Bear with me a second.",
        "Just a moment.",
        "I'm still on it.",
    ),
)
