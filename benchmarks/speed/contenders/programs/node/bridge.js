// The bridge as it is mostly written in Node: fastify with its form and WebSocket plugins, `ws` to dial the engine.
//
// What it does for a call is what the guide's sample does (see ../guide.py): Twilio's own signature check, the signed
// URL and the dial once the stream starts, JSON.parse and JSON.stringify for each message. As in the guide's version
// for Node, frames that come before the engine's socket is open wait for it. The brain's socket is a plain one: the
// secret is compared, nothing is looked up.

import { timingSafeEqual } from "node:crypto";

import Fastify from "fastify";
import formBody from "@fastify/formbody";
import webSocket from "@fastify/websocket";
import twilio from "twilio";
import WebSocket from "ws";

const { PUBLIC_URL, TWILIO_AUTH_TOKEN, ELEVENLABS_API_KEY, ELEVENLABS_BASE_URL, SPEECH_ENGINE_ID } = process.env;
const SHARED_SECRET = Buffer.from(process.env.SHARED_SECRET);

const fastify = Fastify();
await fastify.register(formBody);
await fastify.register(webSocket);

fastify.post("/incoming-call", async (request, reply) => {
  const signature = request.headers["x-twilio-signature"] ?? "";
  if (!twilio.validateRequest(TWILIO_AUTH_TOKEN, signature, PUBLIC_URL + request.url, request.body)) {
    return reply.code(403).send("forbidden");
  }
  const stream = `<Stream url="wss://${new URL(PUBLIC_URL).host}/media-stream"/>`;
  const twiml = `<?xml version="1.0" encoding="UTF-8"?><Response><Connect>${stream}</Connect></Response>`;
  return reply.type("text/xml").send(twiml);
});

async function signedUrl() {
  const query = new URLSearchParams({ agent_id: SPEECH_ENGINE_ID });
  const answer = await fetch(`${ELEVENLABS_BASE_URL}/v1/convai/conversation/get-signed-url?${query}`, {
    headers: { "xi-api-key": ELEVENLABS_API_KEY },
  });
  if (!answer.ok) throw new Error(`no signed URL: ${answer.status}`);
  return (await answer.json()).signed_url;
}

async function openEngine(twilioSocket, streamSid) {
  const engine = new WebSocket(await signedUrl());
  await new Promise((resolve, reject) => {
    engine.once("open", resolve);
    engine.once("error", reject);
  });
  engine.send(JSON.stringify({ type: "conversation_initiation_client_data" }));
  engine.on("message", (raw) => {
    const event = JSON.parse(raw.toString());
    if (event.type === "audio") {
      const media = { payload: event.audio_event.audio_base_64 };
      twilioSocket.send(JSON.stringify({ event: "media", streamSid, media }));
    } else if (event.type === "interruption") {
      twilioSocket.send(JSON.stringify({ event: "clear", streamSid }));
    } else if (event.type === "ping") {
      engine.send(JSON.stringify({ type: "pong", event_id: event.ping_event.event_id }));
    }
  });
  engine.on("error", () => twilioSocket.close());
  return engine;
}

fastify.get("/media-stream", { websocket: true }, (twilioSocket) => {
  let opening = null;
  twilioSocket.on("message", async (raw) => {
    const event = JSON.parse(raw.toString());
    if (event.event === "start") {
      opening = openEngine(twilioSocket, event.start.streamSid).catch(() => {
        twilioSocket.close();
        return null;
      });
    } else if (event.event === "media" && opening) {
      const engine = await opening;
      engine?.send(JSON.stringify({ user_audio_chunk: event.media.payload }));
    } else if (event.event === "stop") {
      twilioSocket.close();
    }
  });
  twilioSocket.on("close", async () => (await opening)?.close());
});

async function checkSecret(request, reply) {
  const secret = Buffer.from(request.headers["x-api-key"] ?? "");
  if (secret.length !== SHARED_SECRET.length || !timingSafeEqual(secret, SHARED_SECRET)) {
    await reply.code(401).send("unauthorized");
  }
}

fastify.get("/ws", { websocket: true, preValidation: checkSecret }, (engine) => {
  engine.on("message", (raw) => {
    const message = JSON.parse(raw.toString());
    if (message.type === "user_transcript") {
      const answer = { type: "agent_response", event_id: message.event_id };
      const words = `You said: ${message.user_transcript.at(-1).content}.`;
      engine.send(JSON.stringify({ ...answer, content: words, is_final: false }));
      engine.send(JSON.stringify({ ...answer, content: "", is_final: true }));
    } else if (message.type === "ping") {
      engine.send(JSON.stringify({ type: "pong" }));
    } else if (message.type === "close") {
      engine.close();
    }
  });
});

await fastify.listen({ host: "127.0.0.1", port: Number(process.argv[2]) });
