"""A LangGraph graph behind the phone: any graph that streams messages is a brain in six lines.

pip install 'ringbridge[langgraph]'
OPENAI_API_KEY=sk-… ringbridge talk --brain examples/langgraph_agent.py:reply
"""

import os
from collections.abc import AsyncIterator
from typing import Any

from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, SystemMessage
from langchain_openai import ChatOpenAI
from langgraph.graph import END, START, MessagesState, StateGraph

from ringbridge import Turn

INSTRUCTIONS = "You are the voice of a phone line. Answer in one or two short sentences of plain spoken words."

model = ChatOpenAI(
    model=os.environ.get("OPENAI_MODEL", "gpt-5.4-mini"),
    timeout=10.0,
    max_retries=0,
    streaming=True,
    stream_usage=False,
)


async def answer(state: MessagesState) -> dict[str, Any]:
    """Ask the model."""
    return {"messages": [await model.ainvoke([SystemMessage(INSTRUCTIONS), *state["messages"]])]}


_graph = StateGraph(MessagesState)
_graph.add_node("answer", answer)
_graph.add_edge(START, "answer")
_graph.add_edge("answer", END)
graph = _graph.compile()


async def reply(turn: Turn) -> AsyncIterator[str]:
    """Answer one turn with what the graph's nodes stream."""
    kinds = {"user": HumanMessage, "agent": AIMessage}
    messages = [kinds[said.role](said.text) for said in turn.history if said.text]
    async for chunk, _ in graph.astream({"messages": messages}, stream_mode="messages"):
        if isinstance(chunk, AIMessageChunk) and isinstance(chunk.content, str):
            yield chunk.content
