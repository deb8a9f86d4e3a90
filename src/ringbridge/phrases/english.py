"""English."""

from ringbridge.phrases.base import Phrases

__all__ = ["ENGLISH"]

ENGLISH = Phrases(
    code="en",
    language="en-US",
    one_moment="Please hold on a moment.",
    still_here="I'm still here.",
    time_nearly_up="I'm afraid this call has to end soon.",
    sorry="I'm sorry, we're having a technical problem.",
    connecting="I'll connect you to a person now.",
    leave_message="Please leave a message after the tone, and hang up when you are done.",
    message_kept="Thank you, your message has been recorded. Goodbye.",
    lines_busy="I'm sorry, all lines are busy. Please call again later. Goodbye.",
    called_too_often="I'm sorry, you have called too often. Please try again later. Goodbye.",
    closed="Thank you for calling. We are closed right now. Please call again during opening hours. Goodbye.",
    not_accepted="I'm sorry, this number does not take your call. Goodbye.",
    goodbye="Nobody is available right now. Please call again later. Goodbye.",
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
