r"""Any server that speaks OpenAI's Chat Completions: Ollama, vLLM, llama.cpp, a gateway. No code is needed for it:

    LLMS=openai@http://localhost:11434/v1:llama3.2 ringbridge serve

This file is for your own instructions, and for one model that stands in for the other:

    LLMS=openai@http://localhost:8000/v1:my-model,openai:gpt-5.4-mini OPENAI_API_KEY=sk-… \
        ringbridge talk --brain examples/any_server.py:reply
"""

from ringbridge import Agent

reply = Agent(
    "You answer the telephone of a bicycle workshop in Leith. You speak plainly, in one or two short sentences. "
    "The workshop is open from nine to six, Monday to Saturday. A repair takes two days. You can't book anything."
)
